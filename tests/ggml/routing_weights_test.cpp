#include "ggml/routing_weights.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "ggml/moe_graph.h"

namespace bhroute::ggml {
namespace {

using routing::PolicySpec;
using routing::Rule;
using routing::WeightRule;
using test::Gating;
using test::MoeGraph;
using test::MoeShape;

struct Weighed {
  MoeBlock block;
  Selection selection;
  std::vector<float> gates;  // [num_tokens, num_experts]
};

Weighed weigh(const MoeGraph& graph, const PolicySpec& spec) {
  Weighed result{*match_moe_block(graph.nodes()), {}, {}};
  const MoeBlock& block = result.block;
  const auto* raw = static_cast<const float*>(block.logits->data);
  const std::vector<float> logits(raw, raw + block.num_tokens * block.num_experts);
  InnerBackend inner;
  EXPECT_EQ(inner.compute(block.router_nodes), GGML_STATUS_SUCCESS);
  const auto policy = routing::make_policy(
      spec, {block.num_experts, block.num_summed, block.chain.normalizes || block.chain.softmax});
  EXPECT_TRUE(policy);
  const LogitsView view{logits.data(), block.num_tokens, block.num_experts, block.num_experts};
  routing::RoutingDecision decision;
  EXPECT_TRUE((*policy)->route(view, block.layer, {}, decision));
  select_pairs(block, view, decision, block.num_experts, result.selection);
  EXPECT_STREQ(RoutingWeights::why_not(block, spec), "");
  EXPECT_EQ(RoutingWeights().fill(block, **policy, decision, inner, result.selection),
            GGML_STATUS_SUCCESS);
  const auto* gates = static_cast<const float*>(block.gates->data);
  result.gates.assign(gates, gates + block.num_tokens * block.num_experts);
  return result;
}

PolicySpec top(std::size_t k, WeightRule weights = WeightRule::native) {
  PolicySpec spec;
  spec.rule = Rule::top_k;
  spec.k = k;
  spec.weights = weights;
  return spec;
}

class Chains : public testing::TestWithParam<MoeShape> {};
INSTANTIATE_TEST_SUITE_P(RoutingWeights, Chains,
                         testing::Values(MoeShape{}, MoeShape{.normalizes = true},
                                         MoeShape{.gating = Gating::sigmoid,
                                                  .selection_bias = true,
                                                  .normalizes = true,
                                                  .scale = 2.5f},
                                         MoeShape{.gating = Gating::sigmoid, .scale = 1.5f},
                                         MoeShape{.gating = Gating::softmax_of_selected}));

TEST_P(Chains, NativeIsWhatAGraphWithThatManySlotsComputes) {
  for (const int k : {1, 3, 4, 9}) {
    MoeShape shape = GetParam();
    shape.top_k = k;
    const MoeGraph stock(shape);
    InnerBackend inner;
    ASSERT_EQ(inner.compute(stock.nodes()), GGML_STATUS_SUCCESS);
    const auto stock_block = match_moe_block(stock.nodes());
    const auto* expected = static_cast<const float*>(stock_block->weights->data);
    const MoeGraph graph(GetParam());
    const auto weighed = weigh(graph, top(static_cast<std::size_t>(k)));
    for (std::size_t p = 0; p < weighed.selection.num_pairs(); ++p)
      ASSERT_EQ(weighed.selection.weights[p], expected[p]) << "pair " << p << " of top " << k;
  }
}

float sum_of(const Selection& selection, std::size_t token) {
  return std::accumulate(selection.weights.begin() + static_cast<long>(selection.first[token]),
                         selection.weights.begin() + static_cast<long>(selection.first[token + 1]),
                         0.0f);
}

TEST_P(Chains, RenormalizedSumsToTheScale) {
  const MoeGraph graph(GetParam());
  const auto weighed = weigh(graph, top(3, WeightRule::renormalized));
  for (std::size_t t = 0; t < weighed.selection.num_tokens(); ++t)
    EXPECT_NEAR(sum_of(weighed.selection, t), GetParam().scale, 1e-5);
}

TEST(RoutingWeights, MassOfASigmoidRouterIsThatOfItsOwnExperts) {
  const MoeGraph graph({.gating = Gating::sigmoid, .scale = 1.5f});
  const auto weighed = weigh(graph, top(2, WeightRule::mass));
  for (std::size_t t = 0; t < weighed.selection.num_tokens(); ++t) {
    const auto order = row_of<std::int32_t>(weighed.block.sorted, t);
    double own = 0.0;
    for (std::size_t i = 0; i < 4; ++i)
      own += weighed.gates[t * 16 + static_cast<std::size_t>(order[i])];
    EXPECT_NEAR(sum_of(weighed.selection, t), 1.5 * own, 1e-5);
  }
}

TEST(RoutingWeights, TemperatureNeedsASoftmax) {
  PolicySpec warm = top(2);
  warm.temperature = 0.8;
  const MoeGraph softmax({}), sigmoid({.gating = Gating::sigmoid});
  EXPECT_STREQ(RoutingWeights::why_not(*match_moe_block(softmax.nodes()), warm), "");
  EXPECT_STRNE(RoutingWeights::why_not(*match_moe_block(sigmoid.nodes()), warm), "");
}

TEST(RoutingWeights, UnequalCountsAreReplayedByGroups) {
  const MoeGraph graph({.num_tokens = 9, .normalizes = true});
  const MoeBlock block = *match_moe_block(graph.nodes());
  InnerBackend inner;
  ASSERT_EQ(inner.compute(block.router_nodes), GGML_STATUS_SUCCESS);
  routing::RoutingDecision decision;
  decision.num_tokens = 9;
  decision.num_experts = decision.max_k = 16;
  std::vector<float> logits(9 * 16);
  for (std::size_t t = 0; t < 9; ++t) {
    const auto order = row_of<std::int32_t>(block.sorted, t);
    decision.expert_ids.insert(decision.expert_ids.end(), order.begin(), order.end());
    decision.num_selected.push_back(static_cast<std::int32_t>(1 + t % 4));
    for (std::size_t i = 0; i < 16; ++i)
      logits[t * 16 + static_cast<std::size_t>(order[i])] = -static_cast<float>(i);
  }
  decision.routing_weights.assign(9 * 16, 0.0f);
  Selection selection;
  select_pairs(block, {logits.data(), 9, 16, 16}, decision, 16, selection);
  const auto policy = routing::make_policy(top(4), {16, 4, true});
  ASSERT_EQ(RoutingWeights().fill(block, **policy, decision, inner, selection),
            GGML_STATUS_SUCCESS);
  for (std::size_t t = 0; t < 9; ++t) {
    ASSERT_EQ(selection.count(t), 1 + t % 4);
    EXPECT_NEAR(sum_of(selection, t), 1.0f, 1e-6);
  }
}

}  // namespace
}  // namespace bhroute::ggml
