#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>

#include "bhroute/evaluation/run_result.h"

namespace bhroute::evaluation {
namespace {

TEST(ExpertCounts, StatisticsOfAHistogram) {
  const ExpertCounts counts{{0, 2, 0, 1, 1, 0}};  // 1, 1, 3, 4
  EXPECT_EQ(counts.num_tokens(), 4U);
  EXPECT_DOUBLE_EQ(counts.mean(), 2.25);
  EXPECT_DOUBLE_EQ(counts.sd(), std::sqrt((1.25 * 1.25 * 2 + 0.75 * 0.75 + 1.75 * 1.75) / 4));
  EXPECT_EQ(counts.min(), 1U);
  EXPECT_EQ(counts.max(), 4U);
  EXPECT_DOUBLE_EQ(counts.share_at(1), 0.5);
  EXPECT_DOUBLE_EQ(counts.share_at(2), 0.0);
  EXPECT_DOUBLE_EQ(counts.share_at(99), 0.0);
}

TEST(ExpertCounts, NothingCountedIsUndefined) {
  for (const ExpertCounts& counts : {ExpertCounts{}, ExpertCounts{{0, 0, 0}}}) {
    EXPECT_TRUE(std::isnan(counts.mean()));
    EXPECT_TRUE(std::isnan(counts.sd()));
    EXPECT_TRUE(std::isnan(counts.share_at(1)));
    EXPECT_EQ(counts.min(), 0U);
    EXPECT_EQ(counts.max(), 0U);
  }
}

RC_GTEST_PROP(ExpertCountsProperty, EqualsTheTokensOneByOne, ()) {
  const auto tokens = *rc::gen::nonEmpty(
      rc::gen::container<std::vector<std::size_t>>(rc::gen::inRange<std::size_t>(0, 9)));
  ExpertCounts counts{std::vector<std::uint64_t>(9)};
  double sum = 0.0, squares = 0.0;
  for (std::size_t k : tokens) {
    ++counts.histogram[k];
    sum += double(k);
    squares += double(k * k);
  }
  const auto n = double(tokens.size());
  RC_ASSERT(std::abs(counts.mean() - sum / n) < 1e-12);
  RC_ASSERT(std::abs(counts.sd() * counts.sd() - (squares / n - sum / n * sum / n)) < 1e-9);
  RC_ASSERT(counts.min() == *std::min_element(tokens.begin(), tokens.end()));
  RC_ASSERT(counts.max() == *std::max_element(tokens.begin(), tokens.end()));
}

}  // namespace
}  // namespace bhroute::evaluation
