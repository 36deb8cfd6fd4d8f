#include "bhroute/evaluation/token_scores.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace bhroute::evaluation {
namespace {

std::vector<double> log_softmax(const std::vector<float>& logits) {
  long double max = logits.front(), sum = 0.0;
  for (float logit : logits) max = std::max<long double>(max, logit);
  for (float logit : logits) sum += std::exp(logit - max);
  std::vector<double> result;
  for (float logit : logits) result.push_back(double(logit - max - std::log(sum)));
  return result;
}

double textbook_kl(const std::vector<float>& own, const std::vector<float>& policy) {
  const auto p = log_softmax(own), q = log_softmax(policy);
  double kl = 0.0;
  for (std::size_t i = 0; i < p.size(); ++i) kl += std::exp(p[i]) * (p[i] - q[i]);
  return kl;
}

std::vector<float> random_row(std::size_t size) {
  std::vector<float> row;
  for (std::size_t i = 0; i < size; ++i)
    row.push_back(static_cast<float>(*rc::gen::inRange(-2000, 2000)) / 128.0F);
  return row;
}

double kl(const std::vector<float>& own, const std::vector<float>& policy) {
  return kl_divergence(own, summarize_row(own), policy, summarize_row(policy));
}

RC_GTEST_PROP(TokenScores, LossIsTheTextbooksInDouble, ()) {
  const auto row = random_row(*rc::gen::inRange<std::size_t>(1, 60));
  const auto wanted = log_softmax(row);
  const RowSummary summary = summarize_row(row);
  for (std::size_t token = 0; token < row.size(); ++token)
    RC_ASSERT(std::abs(token_loss(row, summary, token) + wanted[token]) < 2e-6);
}

RC_GTEST_PROP(TokenScores, KlIsTheTextbooksInDouble, ()) {
  const auto size = *rc::gen::inRange<std::size_t>(1, 60);
  const auto own = random_row(size), policy = random_row(size);
  const double wanted = textbook_kl(own, policy);
  RC_ASSERT(std::abs(kl(own, policy) - wanted) < 1e-5 * (1.0 + wanted));
}

TEST(TokenScores, KlOfEqualRowsIsExactlyZero) {
  const std::vector<float> row{0.1F, -3.7F, 12.25F, 12.25F, -1e30F};
  EXPECT_EQ(kl(row, row), 0.0);
}

TEST(TokenScores, KlIgnoresAShiftAndSeesADifference) {
  const std::vector<float> row{0.5F, 1.0F, -2.0F}, shifted{1.5F, 2.0F, -1.0F},
      other{0.5F, 0.0F, 1.0F};
  EXPECT_NEAR(kl(row, shifted), 0.0, 1e-12);
  EXPECT_GT(kl(row, other), 0.1);
}

TEST(TokenScores, TokensThatTheOwnRoutingRulesOutDoNotCount) {
  const float never = -std::numeric_limits<float>::infinity();
  const std::vector<float> own{1.0F, never, 2.0F}, policy{1.0F, 5.0F, 2.0F};
  EXPECT_TRUE(std::isfinite(kl(own, policy)));
  EXPECT_EQ(kl(own, own), 0.0);
}

TEST(TokenScores, SummaryHoldsMaximumAndTheFirstOfEquals) {
  const std::vector<float> row{1.0F, 7.0F, 7.0F, -1.0F};
  const RowSummary summary = summarize_row(row);
  EXPECT_EQ(summary.max, 7.0F);
  EXPECT_EQ(summary.argmax, 1U);
  EXPECT_NEAR(summary.log_sum, std::log(2.0 + std::exp(-6.0) + std::exp(-8.0)), 1e-7);
}

}  // namespace
}  // namespace bhroute::evaluation
