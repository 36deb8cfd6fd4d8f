#include "bhroute/evaluation/paired_interval.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace bhroute::evaluation {
namespace {

using routing::Rule;
using routing::WeightRule;

RunResult run(Rule rule, std::size_t k, WeightRule weights, std::vector<float> losses) {
  RunResult result;
  result.policy.rule = rule;
  result.policy.k = k;
  result.policy.weights = weights;
  result.mean_experts = static_cast<double>(k);
  result.token_losses = std::move(losses);
  return result;
}

TEST(WindowBlocks, CountTheScoredTokensOfEachWindow) {
  WindowedText text{std::vector<Token>(24, 0), 8, 3};
  EXPECT_EQ(window_blocks(text, Score::second_half), (std::vector<std::size_t>{3, 3, 3}));
  EXPECT_EQ(window_blocks(text, Score::all), (std::vector<std::size_t>{8, 8, 7}));
  EXPECT_EQ(*window_blocks(9, 8, 3, Score::second_half), window_blocks(text, Score::second_half));
  EXPECT_EQ(*window_blocks(23, 8, 3, Score::all), window_blocks(text, Score::all));
  EXPECT_EQ(window_blocks(24, 8, 3, Score::all)->back(), 8u);
  EXPECT_FALSE(window_blocks(10, 8, 3, Score::second_half));
  EXPECT_FALSE(window_blocks(22, 8, 3, Score::all));
  EXPECT_FALSE(window_blocks(0, 8, 0, Score::all));
  const std::size_t huge = std::size_t{1} << 60;  // of a damaged file: refused before room is made
  for (const std::size_t window : {std::size_t{0}, std::size_t{1}, std::size_t{8}, huge}) {
    const auto blocks = window_blocks(9, window, huge, Score::second_half);
    ASSERT_FALSE(blocks);
    EXPECT_EQ(blocks.error().want, fmt::format("{} windows of {} tokens", huge, window));
  }
}

TEST(StaticLosses, LieTokenByTokenBetweenTheNeighbours) {
  const std::vector<RunResult> runs{run(Rule::top_k, 4, WeightRule::native, {2, 8}),
                                    run(Rule::top_k, 6, WeightRule::native, {1, 4})};
  const StaticLosses fixed(runs, 8);
  const auto found = fixed.at(5.5, WeightRule::native);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->losses, (std::vector<double>{1.25, 5}));
  EXPECT_EQ(found->name, "top_k weights=native, k 4 and 6");
  EXPECT_EQ(fixed.at(6.0, WeightRule::native)->losses, (std::vector<double>{1, 4}));
  EXPECT_EQ(fixed.at(4.0 - 1e-12, WeightRule::native)->name, "top_k weights=native, k 4");
  EXPECT_FALSE(fixed.at(3.9, WeightRule::native));
  EXPECT_FALSE(fixed.at(6.1, WeightRule::native));
}

TEST(StaticLosses, OfTheSameWeightRuleWhereThereAreAny) {
  const std::vector<RunResult> runs{
      run(Rule::top_k, 4, WeightRule::native, {2}), run(Rule::top_k, 4, WeightRule::mass, {1}),
      run(Rule::top_k, 8, WeightRule::native, {0.5}), run(Rule::bh, 6, WeightRule::native, {9})};
  const StaticLosses fixed(runs, 8);
  // The model's own count weighs the same by both rules.
  EXPECT_EQ(fixed.at(6, WeightRule::mass)->losses, std::vector<double>{0.75});
  EXPECT_EQ(fixed.at(6, WeightRule::native)->losses, std::vector<double>{1.25});
  EXPECT_EQ(fixed.at(6, WeightRule::renormalized)->name, "top_k weights=native, k 4 and 8");
}

TEST(FillIntervals, AgainstTheBaselineAndTheFixedCount) {
  std::vector<RunResult> runs{run(Rule::top_k, 8, WeightRule::native, {1, 1, 2, 2}),
                              run(Rule::top_k, 4, WeightRule::native, {2, 2, 4, 4}),
                              run(Rule::bh, 6, WeightRule::native, {1, 1, 2.5, 2.5})};
  runs[0].role = "baseline";
  fill_intervals(runs, std::vector<std::size_t>{2, 2}, 8);
  const RunResult& adaptive =
      runs[2];  // 0, 0, .5, .5 above the baseline; the static mean has 1.5, 1.5, 3, 3
  EXPECT_EQ(*adaptive.loss_difference_low, 0.0);
  EXPECT_EQ(*adaptive.loss_difference_high, 0.5);
  EXPECT_EQ(*adaptive.static_difference, -0.5);
  EXPECT_EQ(*adaptive.static_difference_low, -0.5);
  EXPECT_EQ(*adaptive.static_difference_high, -0.5);
  EXPECT_EQ(adaptive.static_reference, "top_k weights=native, k 4 and 8");
  EXPECT_EQ(*runs[1].static_difference, 0.0);
  EXPECT_EQ(*runs[0].loss_difference_high, 0.0);
}

TEST(FillIntervals, OneWindowHasNone) {
  std::vector<RunResult> runs{run(Rule::top_k, 8, WeightRule::native, {1, 1})};
  runs[0].role = "baseline";
  fill_intervals(runs, std::vector<std::size_t>{2}, 8);
  EXPECT_FALSE(runs[0].loss_difference_low);
  EXPECT_FALSE(runs[0].static_difference);
}

}  // namespace
}  // namespace bhroute::evaluation
