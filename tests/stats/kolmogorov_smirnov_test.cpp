#include "bhroute/stats/kolmogorov_smirnov.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "stats/reference_table.h"

namespace bhroute::stats {
namespace {

CountedPValues counted(const std::vector<double>& values) {
  std::map<double, std::uint64_t> counts;
  for (double value : values) ++counts[value];
  return {counts.begin(), counts.end()};
}

CountedSample sample(const std::vector<double>& values) {
  std::vector<float> distinct;
  std::vector<std::uint64_t> counts;
  for (const auto& [value, count] : counted(values)) {
    distinct.push_back(static_cast<float>(value));
    counts.push_back(count);
  }
  return CountedSample::create(std::move(distinct), std::move(counts)).value();
}

TEST(KolmogorovSmirnov, EqualsScipy) {
  for (const auto& one : reference_cases("kolmogorov_smirnov")) {
    const auto p = counted(doubles(one["p"]));
    EXPECT_NEAR(ks_distance_from_uniform(p), one["uniform"].get<double>(), 1e-14);
    EXPECT_DOUBLE_EQ(quantile(p, one["share"].get<double>()), one["quantile"].get<double>());
    EXPECT_NEAR(ks_distance(sample(doubles(one["a"])), sample(doubles(one["b"]))),
                one["two"].get<double>(), 1e-14);
  }
}

TEST(KolmogorovSmirnov, ByHand) {
  EXPECT_DOUBLE_EQ(ks_distance_from_uniform({{0.5, 1}}), 0.5);
  EXPECT_DOUBLE_EQ(ks_distance_from_uniform({{0.25, 1}, {0.75, 1}}), 0.25);
  EXPECT_DOUBLE_EQ(ks_distance_from_uniform({{0.25, 3}, {1.0, 1}}), 0.5);
  EXPECT_TRUE(std::isnan(ks_distance_from_uniform({})));
}

TEST(KolmogorovSmirnov, ASampleIsNoDistanceFromItself) {
  const auto one = sample({-1, 0, 0, 2});
  EXPECT_EQ(ks_distance(one, one), 0.0);
  EXPECT_DOUBLE_EQ(ks_distance(one, sample({3})), 1.0);
}

}  // namespace
}  // namespace bhroute::stats
