#include "../../src/routing/rank_critical.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace bhroute::routing {
namespace {

using calibration::Statistic;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// Softmax 1/8, 1/2, 1/4, 1/8.
const std::vector<float> kLogits{0.0f, std::log(4.0f), std::log(2.0f), 0.0f};

std::size_t count(std::vector<double> criticals, Statistic statistic = Statistic::log_prob) {
  return rank_critical_count({.rule = Rule::critical,
                              .min_k = 1,
                              .max_k = 1 + criticals.size(),
                              .statistic = statistic,
                              .criticals = criticals},
                             kLogits);
}

TEST(RankCritical, CountsTheRanksThatPassByTheirOwnCriticalValue) {
  EXPECT_EQ(count({-1.4, -2.1, -2.0}), 3u) << "log 1/4 = -1.386, log 1/8 = -2.079";
  EXPECT_EQ(count({-1.4, -2.1, -2.1}), 4u);
  EXPECT_EQ(count({-1.3, -2.1, -2.0}), 2u) << "a rank may pass where the one before does not";
  EXPECT_EQ(count({kInfinity, -kInfinity, -kInfinity}), 3u);
  EXPECT_EQ(count({kInfinity, kInfinity}), 1u);
  EXPECT_EQ(count({}), 1u);
}

TEST(RankCritical, IsStrict) {
  EXPECT_EQ(count({-5.0, 0.0}, Statistic::logit), 2u);
  EXPECT_EQ(count({-5.0, std::nextafter(0.0, -1.0)}, Statistic::logit), 3u);
}

TEST(RankCritical, ReadsItsStatistic) {
  EXPECT_EQ(count({0.5, -0.5}, Statistic::logit), 3u);
  EXPECT_EQ(count({0.5, -0.5}, Statistic::log_prob), 1u);
}

TEST(RankCritical, NaNHasNoRank) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const PolicySpec spec{.rule = Rule::critical, .min_k = 2, .max_k = 3, .criticals = {-kInfinity}};
  EXPECT_EQ(rank_critical_count(spec, std::vector<float>{nan, 1.0f, nan, 2.0f, 0.0f}), 3u);
  EXPECT_EQ(rank_critical_count(spec, std::vector<float>{nan, 1.0f, nan, 2.0f}), 2u);
  EXPECT_EQ(rank_critical_count(spec, std::vector<float>{nan, 1.0f, nan}), 1u);
}

}  // namespace
}  // namespace bhroute::routing
