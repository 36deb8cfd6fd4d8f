#include "bhroute/calibration/logit_reservoir.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "calibration/tables.h"

namespace bhroute::calibration {
namespace {

// Row r of a stream holds r in its first column.
RowSample sample_of(std::size_t first, std::size_t last, std::size_t capacity, std::uint64_t seed) {
  LogitReservoir reservoir(capacity, seed, 2);
  for (std::size_t r = first; r < last; ++r)
    reservoir.add(std::vector<float>{static_cast<float>(r), 0.5F});
  RowSample sample = reservoir.sample();
  EXPECT_EQ(sample.keys.size(), std::min(capacity, last - first));
  return sample;
}

std::vector<int> ids(const RowSample& sample) {
  std::vector<int> found;
  for (std::size_t i = 0; i < sample.keys.size(); ++i)
    found.push_back(static_cast<int>(sample.rows[2 * i]));
  return found;
}

// Chi-squared of how often each row was taken; its mean is about the number of rows.
double chi_squared(const std::map<int, int>& taken, std::size_t num_rows, double expected) {
  double sum = 0.0;
  for (std::size_t r = 0; r < num_rows; ++r) {
    const auto it = taken.find(static_cast<int>(r));
    const double difference = (it == taken.end() ? 0.0 : it->second) - expected;
    sum += difference * difference / expected;
  }
  return sum;
}

TEST(LogitReservoir, KeepsAllOfAShortStream) {
  auto found = ids(sample_of(0, 5, 8, 1));
  std::sort(found.begin(), found.end());
  EXPECT_EQ(found, (std::vector<int>{0, 1, 2, 3, 4}));
}

TEST(LogitReservoir, TheSeedDecides) {
  EXPECT_EQ(sample_of(0, 500, 20, 1), sample_of(0, 500, 20, 1));
  EXPECT_NE(ids(sample_of(0, 500, 20, 1)), ids(sample_of(0, 500, 20, 2)));
}

TEST(LogitReservoir, EveryRowIsTakenEquallyOften) {
  std::map<int, int> taken;
  for (std::uint64_t seed = 0; seed < 4000; ++seed)
    for (int id : ids(sample_of(0, 40, 10, seed))) ++taken[id];
  // 40 - 1 degrees of freedom: 75.0 is passed with probability 0.0005.
  EXPECT_LT(chi_squared(taken, 40, 1000.0), 75.0);
}

TEST(LogitReservoir, AMergeIsAFairSampleOfTheUnion) {
  std::map<int, int> taken;
  for (std::uint64_t seed = 0; seed < 4000; ++seed) {
    const auto merged =
        merge_samples(sample_of(0, 10, 10, seed), sample_of(10, 40, 10, seed), 10).value();
    EXPECT_EQ(merged.keys.size(), 10u);
    EXPECT_TRUE(std::is_sorted(merged.keys.begin(), merged.keys.end()));
    for (int id : ids(merged)) ++taken[id];
  }
  EXPECT_LT(chi_squared(taken, 40, 1000.0), 75.0);
}

TEST(LogitReservoir, MergingDoesNotDependOnTheOrder) {
  const auto a = sample_of(0, 30, 7, 1), b = sample_of(30, 90, 7, 5);
  EXPECT_EQ(merge_samples(a, b, 7).value(), merge_samples(b, a, 7).value());
}

TEST(LogitReservoir, RowsOfDifferentWidthsDoNotMerge) {
  const auto merged = merge_samples({2, {}, {}}, {3, {}, {}}, 4);
  ASSERT_FALSE(merged);
  EXPECT_EQ(to_string(merged.error()), "merge: sampled rows of different widths, got 3, want 2");
}

TEST(LogitReservoir, CapacityZeroKeepsNothing) { EXPECT_EQ(sample_of(0, 0, 0, 1).keys.size(), 0u); }

}  // namespace
}  // namespace bhroute::calibration
