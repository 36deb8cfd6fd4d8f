#include "bhroute/stats/concentration.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace bhroute::stats {
namespace {

using Counts = std::vector<std::uint64_t>;

TEST(Gini, OfKnownCounts) {
  EXPECT_EQ(gini(Counts{3, 3, 3, 3}), 0.0);
  EXPECT_DOUBLE_EQ(gini(Counts{0, 0, 0, 8}), 0.75);
  // All pairs: |1-2| + |1-3| + |2-3| = 4, twice that over n^2 times twice the mean: 8 / (9 * 4).
  EXPECT_DOUBLE_EQ(gini(Counts{3, 1, 2}), 8.0 / 36.0);
  EXPECT_EQ(gini(Counts{0, 0}), 0.0);
  EXPECT_EQ(gini({}), 0.0);
}

TEST(Entropy, OfKnownCounts) {
  EXPECT_DOUBLE_EQ(entropy(Counts{5, 5, 5, 5}), std::log(4.0));
  EXPECT_EQ(entropy(Counts{0, 9, 0}), 0.0);
  EXPECT_DOUBLE_EQ(entropy(Counts{1, 1, 2}), 1.5 * std::log(2.0));
  EXPECT_EQ(entropy(Counts{0, 0}), 0.0);
}

}  // namespace
}  // namespace bhroute::stats
