#include "bhroute/stats/correlation.h"

#include <gtest/gtest.h>

#include <cmath>
#include <utility>
#include <vector>

namespace bhroute::stats {
namespace {

Correlation of(const std::vector<std::pair<double, double>>& pairs) {
  Correlation correlation;
  for (const auto& [x, y] : pairs) correlation.add(x, y);
  return correlation;
}

TEST(Correlation, OfKnownPairs) {
  EXPECT_DOUBLE_EQ(*of({{1, 2}, {2, 4}, {3, 6}}).r(), 1.0);
  EXPECT_DOUBLE_EQ(*of({{1, 6}, {2, 4}, {3, 2}}).r(), -1.0);
  // Deviations x -1 0 1, y -1 1 0: r = 1 / 2.
  EXPECT_DOUBLE_EQ(*of({{1, 1}, {2, 3}, {3, 2}}).r(), 0.5);
}

TEST(Correlation, UndefinedWithoutVariation) {
  EXPECT_FALSE(of({}).r());
  EXPECT_FALSE(of({{1, 2}}).r());
  EXPECT_FALSE(of({{1, 2}, {1, 3}}).r());
  EXPECT_FALSE(of({{1, 2}, {3, 2}}).r());
  EXPECT_EQ(of({{1, 2}, {3, 2}}).n(), 2u);
}

TEST(Correlation, KeepsItsDigitsBesideALargeMean) {
  EXPECT_NEAR(*of({{1e8 + 1, 1}, {1e8 + 2, 3}, {1e8 + 3, 2}}).r(), 0.5, 1e-7);
}

}  // namespace
}  // namespace bhroute::stats
