#include "../../src/evaluation/router_metrics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace bhroute::evaluation {
namespace {

constexpr std::size_t kExperts = 4;

LogitsView view(const std::vector<float>& logits) {
  return {logits.data(), logits.size() / kExperts, kExperts, kExperts};
}

// Rows of expert ids, all of one width, -1 beyond a token's own count.
routing::RoutingDecision decision(std::size_t width, std::vector<std::int32_t> ids) {
  routing::RoutingDecision made;
  made.num_tokens = ids.size() / width;
  made.num_experts = kExperts;
  made.max_k = width;
  for (std::size_t t = 0; t < made.num_tokens; ++t) {
    const auto row = ids.begin() + static_cast<std::ptrdiff_t>(t * width);
    made.num_selected.push_back(static_cast<std::int32_t>(std::count_if(
        row, row + static_cast<std::ptrdiff_t>(width), [](auto id) { return id >= 0; })));
  }
  made.expert_ids = std::move(ids);
  return made;
}

const float kLog2 = std::log(2.0F);
// Softmax weights 8, 4, 2, 1 over 15 and 1, 1, 8, 2 over 12.
const std::vector<float> kTwoTokens{3 * kLog2, 2 * kLog2, kLog2, 0, 0, 0, 3 * kLog2, kLog2};

TEST(RouterMetrics, OverlapAndMassAgainstTheOwnTopK) {
  RouterMetrics metrics(2, 2);
  const auto chosen = decision(3, {0, 1, 2, 2, -1, -1});
  metrics.on_layer(0, view(kTwoTokens), &chosen);
  // Top 2 are {0, 1} with 12 and {2, 3} with 10. The first token keeps both of them, the second one
  // of two.
  EXPECT_DOUBLE_EQ(metrics.top_k_overlap(), (1.0 + 0.5) / 2);
  EXPECT_NEAR(metrics.retained_mass(), (14.0 / 12 + 8.0 / 10) / 2, 1e-6);
}

TEST(RouterMetrics, TheOwnRoutingKeepsEverything) {
  RouterMetrics metrics(2, 2);
  metrics.on_layer(0, view(kTwoTokens), nullptr);
  EXPECT_DOUBLE_EQ(metrics.top_k_overlap(), 1.0);
  EXPECT_DOUBLE_EQ(metrics.retained_mass(), 1.0);
  RouterMetrics fewer(1, 2);  // fewer slots than it was trained with
  fewer.on_layer(0, view(kTwoTokens), nullptr);
  EXPECT_DOUBLE_EQ(fewer.top_k_overlap(), 0.5);
  EXPECT_NEAR(fewer.retained_mass(), (8.0 / 12 + 8.0 / 10) / 2, 1e-6);
}

TEST(RouterMetrics, TokensOfNansAreLeftOut) {
  const float nan = std::nanf("");
  std::vector<float> logits(kTwoTokens);
  logits.insert(logits.end(), 4, nan);
  auto chosen = decision(2, {0, 1, 2, 3, -1, -1});
  chosen.unroutable_tokens = {2};
  RouterMetrics metrics(2, 2);
  metrics.on_layer(0, view(logits), &chosen);
  EXPECT_DOUBLE_EQ(metrics.top_k_overlap(), 1.0);
  EXPECT_TRUE(std::isnan(RouterMetrics(2, 2).retained_mass()));
}

TEST(RouterMetrics, ConsistencyIsTheMeanCorrelationOfNeighbours) {
  const std::vector<float> logits(3 * kExperts, 0.0F);
  const auto rising = decision(3, {0, -1, -1, 0, 1, -1, 0, 1, 2});   // counts 1 2 3
  const auto falling = decision(3, {0, 1, 2, 0, 1, -1, 0, -1, -1});  // counts 3 2 1
  const auto mixed = decision(3, {0, -1, -1, 0, 1, 2, 0, 1, -1});    // counts 1 3 2
  RouterMetrics metrics(2, 2);
  metrics.on_layer(0, view(logits), &rising);
  metrics.on_layer(1, view(logits), &falling);  // -1 to the one before
  metrics.on_layer(3, view(logits), &mixed);    // -1/2
  EXPECT_DOUBLE_EQ(metrics.layer_consistency(), -0.75);
  metrics.on_layer(0, view(logits), &rising);  // the next micro-batch: no pair with layer 3
  EXPECT_DOUBLE_EQ(metrics.layer_consistency(), -0.75);
}

TEST(RouterMetrics, FixedCountsHaveNoConsistency) {
  RouterMetrics metrics(2, 2);
  metrics.on_layer(0, view(kTwoTokens), nullptr);
  metrics.on_layer(1, view(kTwoTokens), nullptr);
  EXPECT_TRUE(std::isnan(metrics.layer_consistency()));
}

TEST(DerivedMetrics, ByHand) {
  RunResult run;
  run.mean_experts = 2.0;
  run.relative_flops = 0.625;
  run.min_experts = 1;
  run.max_experts = 3;
  run.layers[0] = {{{0, 4, 0, 0, 0}}, {2, 2, 0, 0}};  // mean 1
  run.layers[1] = {{{0, 0, 0, 4, 0}}, {3, 3, 3, 3}};  // mean 3
  fill_derived_metrics(run, kExperts);
  EXPECT_EQ(run.activation_ratio, 0.5);
  EXPECT_EQ(run.flops_reduction, 0.375);
  EXPECT_EQ(run.adaptive_range, 2.0);
  EXPECT_EQ(run.expert_utilisation, 0.75);
  EXPECT_EQ(run.gini, 0.25);  // (1/2 + 0) / 2
  EXPECT_DOUBLE_EQ(run.selection_entropy, (std::log(2.0) + std::log(4.0)) / 2);
  EXPECT_EQ(run.layer_variance, 1.0);
}

}  // namespace
}  // namespace bhroute::evaluation
