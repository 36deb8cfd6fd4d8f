#include "bhroute/evaluation/evaluate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "core/temporary_folder.h"
#include "evaluation/fake_model.h"

namespace bhroute::evaluation {
namespace {

using ::bhroute::testing::TemporaryFolder;
using ::testing::HasSubstr;

// Losses straight from the rows, in long double.
std::vector<double> brute_force_losses(FakeModel& model, const routing::Policy* policy,
                                       const WindowedText& text, Score score) {
  std::vector<double> losses;
  EXPECT_TRUE(model.set_policy(policy));
  for (std::size_t w = 0; w < text.num_windows; ++w) {
    RowCollector collector;
    const std::span<const Token> window[] = {text.at(w)};
    EXPECT_TRUE(model.decode(window, 0, &collector));
    const ScoredSpan span = scored_span(text, score, w);
    for (std::size_t p = span.first; p < span.first + span.count; ++p) {
      const auto& logits = collector.rows[p].logits;
      long double sum = 0.0;
      for (float logit : logits) sum += std::exp(static_cast<long double>(logit));
      const auto next = static_cast<std::size_t>(text.tokens[w * text.window + p + 1]);
      losses.push_back(static_cast<double>(std::log(sum) - logits[next]));
    }
  }
  EXPECT_TRUE(model.set_policy(nullptr));
  return losses;
}

class Evaluate : public ::testing::Test {
 protected:
  RunResult run(FakeModel& model, const routing::Policy* policy, const OwnLogits* own = nullptr,
                Score score = Score::second_half) {
    EvaluateOptions options;
    options.score = score;
    auto result = evaluate(model, text_, policy, own, options, quiet_);
    EXPECT_TRUE(result) << to_string(result.error());
    return result ? *result : RunResult{};
  }
  std::unique_ptr<OwnLogits> own(FakeModel& model, Score score = Score::second_half) {
    auto own = record_own_logits(model, text_, score, folder_ / "own.bin", "key", quiet_);
    EXPECT_TRUE(own);
    return std::move(*own);
  }

  TemporaryFolder folder_;
  WindowedText text_ = fake_windows(3, 1);
  NoProgress quiet_;
};

TEST_F(Evaluate, LossesEqualABruteForceInDouble) {
  FakeModel model;
  ASSERT_TRUE(model.set_expert_slots(5));
  const LimitPolicy policy(0.3F, 5);
  for (const routing::Policy* used :
       {static_cast<const routing::Policy*>(nullptr), static_cast<const routing::Policy*>(&policy)})
    for (Score score : {Score::second_half, Score::all}) {
      const auto wanted = brute_force_losses(model, used, text_, score);
      const RunResult result = run(model, used, nullptr, score);
      ASSERT_EQ(result.num_tokens, wanted.size());
      ASSERT_EQ(result.token_losses.size(), wanted.size());
      double sum = 0.0, squares = 0.0;
      for (std::size_t i = 0; i < wanted.size(); ++i) {
        EXPECT_NEAR(result.token_losses[i], wanted[i], 2e-6);
        sum += wanted[i];
        squares += wanted[i] * wanted[i];
      }
      const auto n = static_cast<double>(wanted.size());
      const double se = std::sqrt((squares / n - sum / n * sum / n) / (n - 1));
      EXPECT_NEAR(result.loss, sum / n, 1e-6);
      EXPECT_NEAR(result.perplexity, std::exp(sum / n), 1e-6 * result.perplexity);
      EXPECT_NEAR(result.loss_se, se, 1e-6);
      EXPECT_NEAR(result.perplexity_se, se * std::exp(sum / n), 1e-5 * result.perplexity);
    }
}

TEST_F(Evaluate, TheOwnRoutingDoesNotDifferFromItself) {
  FakeModel model;
  const auto logits = own(model);
  const RunResult result = run(model, nullptr, logits.get());
  EXPECT_EQ(result.kl, 0.0);
  EXPECT_EQ(result.top1_agreement, 1.0);
  EXPECT_EQ(result.policy.rule, routing::Rule::top_k);
  EXPECT_EQ(result.policy.k, FakeModel::kTopK);
  EXPECT_EQ(result.mean_experts, 2.0);
  EXPECT_EQ(result.sd_experts, 0.0);
  EXPECT_EQ(result.floor_share, 1.0);
  EXPECT_EQ(result.ceiling_share, 1.0);
  EXPECT_DOUBLE_EQ(result.relative_flops, 1.0);
}

TEST_F(Evaluate, AnotherRoutingDiffers) {
  FakeModel model;
  const auto logits = own(model);
  const LimitPolicy policy(100.0F, 2);  // one expert a token
  const RunResult result = run(model, &policy, logits.get());
  EXPECT_GT(result.kl, 1e-3);
  EXPECT_LT(result.top1_agreement, 1.0);
  EXPECT_EQ(result.mean_experts, 1.0);
  EXPECT_EQ(result.floor_share, 1.0);
  EXPECT_EQ(result.ceiling_share, 0.0);
  const double router = 2.0 * 6 * 8, expert = 3 * 2.0 * 6 * 4;
  EXPECT_DOUBLE_EQ(result.relative_flops, (router + expert) / (router + 2 * expert));
}

TEST_F(Evaluate, WithoutOwnLogitsTheComparisonIsUndefined) {
  FakeModel model;
  const RunResult result = run(model, nullptr);
  EXPECT_TRUE(std::isnan(result.kl));
  EXPECT_TRUE(std::isnan(result.top1_agreement));
}

TEST_F(Evaluate, CountsExpertsOverEveryPositionOfEveryLayer) {
  FakeModel model;
  ASSERT_TRUE(model.set_expert_slots(5));
  const LimitPolicy policy(0.3F, 5);
  const RunResult result = run(model, &policy);
  ASSERT_EQ(result.layers.size(), 3U);
  double sum = 0.0;
  for (const auto& [index, layer] : result.layers) {
    EXPECT_EQ(layer.experts.num_tokens(), 3U * 16U) << index;
    std::uint64_t used = 0;
    for (const auto count : layer.utilisation) used += count;
    EXPECT_DOUBLE_EQ(static_cast<double>(used), layer.experts.mean() * 48.0) << index;
    sum += layer.experts.mean();
  }
  EXPECT_NEAR(result.mean_experts, sum / 3.0, 1e-12);
  EXPECT_GT(result.mean_experts, 1.0);
  EXPECT_LE(result.max_experts, 5U);
  EXPECT_GT(result.sd_experts, 0.0);
}

TEST_F(Evaluate, FewerSlotsThanTopKAreAStaticPoint) {
  FakeModel model;
  ASSERT_TRUE(model.set_expert_slots(1));
  const RunResult one = run(model, nullptr);
  EXPECT_EQ(one.policy.k, 1U);
  EXPECT_EQ(one.mean_experts, 1.0);
  ASSERT_TRUE(model.set_expert_slots(2));
  const LimitPolicy policy(100.0F, 2);
  EXPECT_EQ(run(model, &policy).token_losses, one.token_losses);
}

TEST_F(Evaluate, NaNsOfTheRouterAreCounted) {
  FakeModel model({.nan_router = true});
  const LimitPolicy policy(100.0F, 2);
  const RunResult result = run(model, &policy);
  std::size_t sevens = 0;
  for (std::size_t i = 0; i < 48; ++i) sevens += text_.tokens[i] == 7 ? 1 : 0;
  ASSERT_GT(sevens, 0U);
  EXPECT_EQ(result.num_unroutable, sevens);
  EXPECT_EQ(result.num_nan_logits, 48 + 7 * sevens);
  EXPECT_EQ(result.layers.at(1).experts.histogram[2], sevens);  // the model's own top_k takes them
}

TEST_F(Evaluate, SpeedIsOverDecodedTokens) {
  FakeModel model;
  const RunResult result = run(model, nullptr);
  EXPECT_GT(result.tokens_per_second, 0.0);
  EXPECT_NEAR(result.ms_per_token * result.tokens_per_second, 1000.0, 1e-6);
}

TEST_F(Evaluate, TheModelIsLeftToItselfAfterwards) {
  FakeModel fails({.fail_at_decode = 1});
  const LimitPolicy policy(0.0F, 2);
  const auto result = evaluate(fails, text_, &policy, nullptr, {}, quiet_);
  EXPECT_EQ(to_string(result.error()), "fake: decode failed");
  EXPECT_EQ(fails.policy(), nullptr);
  EXPECT_EQ(fails.observer(), nullptr);
}

TEST_F(Evaluate, InputsThatDoNotFitAreErrors) {
  FakeModel model;
  const LimitPolicy wide(0.0F, 5);
  EXPECT_THAT(to_string(evaluate(model, text_, &wide, nullptr, {}, quiet_).error()),
              HasSubstr("needs more slots"));
  const auto all = own(model, Score::all);
  EXPECT_THAT(to_string(evaluate(model, text_, nullptr, all.get(), {}, quiet_).error()),
              HasSubstr("own logits: of another text or setting, got 48"));
  FakeModel forgets({.forgets_last_row = true});
  EXPECT_THAT(to_string(evaluate(forgets, text_, nullptr, nullptr, {}, quiet_).error()),
              HasSubstr("not every scored position came out"));
  WindowedText none = text_;
  none.num_windows = 0;
  EXPECT_THAT(to_string(evaluate(model, none, nullptr, nullptr, {}, quiet_).error()),
              HasSubstr("no position is scored"));
}

}  // namespace
}  // namespace bhroute::evaluation
