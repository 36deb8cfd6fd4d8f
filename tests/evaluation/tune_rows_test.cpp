#include "../../src/evaluation/tune_rows.h"

#include <gtest/gtest.h>

#include <cmath>

namespace bhroute::evaluation {
namespace {

LogitRows collected() {
  LogitRows rows;
  const std::vector<float> first{0, 1, 2, 3, 4, 5}, second{6, 7};
  rows.on_layer(3, {first.data(), 3, 2, 2}, nullptr);
  rows.on_layer(3, {nullptr, 0, 2, 2}, nullptr);
  rows.on_layer(3, {second.data(), 1, 2, 2}, nullptr);
  return rows;
}

TEST(LogitRows, KeepsRowsInTheirOrder) {
  const auto rows = collected();
  EXPECT_EQ(rows.num_rows(3), 4u);
  EXPECT_EQ(rows.all(3).token(3)[0], 6.0F);
}

TEST(LogitRows, SpreadsEvenly) {
  const auto rows = collected();
  const auto two = rows.spread(3, 2);
  ASSERT_EQ(two.num_tokens, 2u);
  EXPECT_EQ(two.token(1)[0], 4.0F);
  EXPECT_EQ(rows.spread(3, 100).num_tokens, 4u);
}

TEST(LargestLogProbs, ByHand) {
  const std::vector<float> logits{std::log(1.0F), std::log(3.0F), std::log(4.0F)};
  const auto found = largest_log_probs(logits, 2);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_NEAR(found[0], std::log(0.5), 1e-6);
  EXPECT_NEAR(found[1], std::log(0.375), 1e-6);
  const auto second = log_probs_at({logits.data(), 1, 3, 3}, 2);
  ASSERT_EQ(second.size(), 1u);
  EXPECT_NEAR(second[0], std::log(0.375), 1e-6);
}

TEST(QuantileOf, TheNearestValue) {
  EXPECT_EQ(quantile_of({5, 1, 3}, 0.5), 3.0);
  EXPECT_EQ(quantile_of({5, 1, 3}, 0.0), 1.0);
  EXPECT_DOUBLE_EQ(quantile_of({5, 1, 3}, 0.8), 4.2);
}

}  // namespace
}  // namespace bhroute::evaluation
