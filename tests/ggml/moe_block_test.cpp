#include "ggml/moe_block.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ggml/moe_graph.h"

namespace bhroute::ggml {
namespace {

using test::Gating;
using test::MoeGraph;
using test::MoeShape;
using testing::HasSubstr;

TEST(MoeBlock, WhatIsWhat) {
  const MoeGraph graph({.layer = 11});
  const auto block = match_moe_block(graph.nodes());
  ASSERT_TRUE(block) << block.error();
  EXPECT_EQ(block->layer, 11);
  EXPECT_EQ(block->num_experts, 16u);
  EXPECT_EQ(block->num_slots, 4u);
  EXPECT_EQ(block->num_summed, 4u);
  EXPECT_EQ(block->num_tokens, 5u);
  EXPECT_EQ(block->logits, graph.logits());
  EXPECT_EQ(block->output, graph.output());
  EXPECT_TRUE(block->softmax_gating);
  EXPECT_FALSE(block->chain.normalizes);
  EXPECT_EQ(block->router_nodes.size(), 2u);
  EXPECT_EQ(block->expert_nodes.size(), 4u);
}

TEST(MoeBlock, ChainsOfWeights) {
  const MoeGraph scaled(
      {.gating = Gating::sigmoid, .selection_bias = true, .normalizes = true, .scale = 2.5f});
  const auto block = match_moe_block(scaled.nodes());
  ASSERT_TRUE(block) << block.error();
  EXPECT_FALSE(block->softmax_gating);
  EXPECT_TRUE(block->chain.normalizes);
  EXPECT_EQ(block->chain.smallest_sum, 6.103515625e-5f);
  EXPECT_EQ(block->chain.scale, 2.5f);
  EXPECT_NE(block->scores, block->gates);

  const MoeGraph late({.gating = Gating::softmax_of_selected});
  const auto other = match_moe_block(late.nodes());
  ASSERT_TRUE(other) << other.error();
  EXPECT_TRUE(other->chain.softmax);
  EXPECT_TRUE(other->softmax_gating);
  EXPECT_EQ(other->gates, other->logits);
}

TEST(MoeBlock, MergedExpertsBiasesAndOneExpert) {
  for (const MoeShape& shape : {MoeShape{.merged = true}, MoeShape{.biases = true},
                                MoeShape{.top_k = 1}, MoeShape{.merged = true, .biases = true}}) {
    const MoeGraph graph(shape);
    const auto block = match_moe_block(graph.nodes());
    EXPECT_TRUE(block) << block.error();
  }
}

TEST(MoeBlock, WarmUpSumsFewerThanItComputes) {
  const MoeGraph graph({.top_k = 16, .num_summed = 4});
  const auto block = match_moe_block(graph.nodes());
  ASSERT_TRUE(block) << block.error();
  EXPECT_TRUE(block->is_warm_up());
}

std::string reason(const std::vector<ggml_tensor*>& nodes) {
  const auto block = match_moe_block(nodes);
  return block ? "matched" : block.error();
}

TEST(MoeBlock, AnUnknownNodeIsNamed) {
  const MoeGraph graph({.foreign_node = true});
  EXPECT_THAT(reason(graph.nodes()), HasSubstr("not known in this place"));
}

TEST(MoeBlock, PartsOfALayerAreRefused) {
  const MoeGraph graph({});
  auto nodes = graph.nodes();
  nodes.pop_back();
  EXPECT_THAT(reason(nodes), HasSubstr("matched")) << "a shorter sum is a warm-up";
  EXPECT_THAT(reason({nodes.begin(), nodes.begin() + 3}), HasSubstr("no weighted outputs"));
  EXPECT_THAT(reason({nodes.begin() + 2, nodes.end()}), HasSubstr("ranked outside"));
  EXPECT_THAT(reason({}), HasSubstr("no weighted outputs"));
}

TEST(MoeBlock, OtherLogitsAreRefused) {
  const MoeGraph graph({});
  ggml_set_name(graph.logits(), "something else");
  EXPECT_THAT(reason(graph.nodes()), HasSubstr("logits were not found"));
}

TEST(MoeBlock, OutputsInTheMiddleAreRefused) {
  const MoeGraph graph({});
  for (ggml_tensor* node : graph.nodes())
    if (node->op == GGML_OP_GLU) ggml_set_output(node);
  EXPECT_THAT(reason(graph.nodes()), HasSubstr("output of the graph"));
}

}  // namespace
}  // namespace bhroute::ggml
