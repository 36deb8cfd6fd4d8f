#include "llama/router_nodes.h"

#include <gtest/gtest.h>

#include <cstring>

namespace bhroute::llama {
namespace {

ggml_tensor node(const char* name, ggml_op op) {
  ggml_tensor tensor{};
  std::strncpy(tensor.name, name, sizeof tensor.name - 1);
  tensor.op = op;
  return tensor;
}

RouterNodes learn(std::initializer_list<ggml_tensor> nodes) {
  RouterNodes learnt;
  for (const ggml_tensor& n : nodes) learnt.learn(&n);
  return learnt;
}

TEST(NodeName, SplitsStemAndLayer) {
  EXPECT_EQ(parse_node_name("ffn_moe_logits-12")->layer, 12);
  EXPECT_EQ(parse_node_name("ffn_moe_logits-12")->stem, "ffn_moe_logits");
  EXPECT_EQ(parse_node_name("ffn_moe_probs-3 (reshaped)")->layer, 3);
  EXPECT_FALSE(parse_node_name("node_17"));
  EXPECT_FALSE(parse_node_name("ffn_moe_logits-x"));
  EXPECT_FALSE(parse_node_name("ffn_moe_logits-3b"));
}

TEST(RouterNodes, OlmoeEndsAtTheGather) {
  const auto nodes =
      learn({node("ffn_moe_logits-0", GGML_OP_MUL_MAT), node("ffn_moe_probs-0", GGML_OP_SOFT_MAX),
             node("ffn_moe_probs-0 (reshaped)", GGML_OP_RESHAPE),
             node("ffn_moe_weights-0", GGML_OP_GET_ROWS), node("ffn_moe_weighted-0", GGML_OP_MUL)});
  const auto* layer = nodes.layer(0);
  ASSERT_NE(layer, nullptr);
  EXPECT_EQ(layer->logits, "ffn_moe_logits-0");
  EXPECT_EQ(layer->weights, "ffn_moe_weights-0");
  EXPECT_EQ(layer->gather, "ffn_moe_weights-0");
  EXPECT_EQ(layer->gating, Gating::softmax);
  EXPECT_TRUE(layer->ranks_by_logit);
  EXPECT_TRUE(layer->chain.is_trivial());
  EXPECT_EQ(nodes.num_nodes(), 5u);
  EXPECT_EQ(nodes.layer(1), nullptr);
}

TEST(RouterNodes, NormalisedChainEndsBehindTheDivision) {
  const auto nodes = learn(
      {node("ffn_moe_logits-4", GGML_OP_MUL_MAT), node("ffn_moe_probs-4", GGML_OP_SOFT_MAX),
       node("ffn_moe_weights-4", GGML_OP_GET_ROWS), node("ffn_moe_weights_sum-4", GGML_OP_SUM_ROWS),
       node("ffn_moe_weights_sum_clamped-4", GGML_OP_CLAMP),
       node("ffn_moe_weights_norm-4", GGML_OP_DIV),
       node("ffn_moe_weights_norm-4 (reshaped)", GGML_OP_RESHAPE)});
  EXPECT_TRUE(nodes.layer(4)->chain.normalizes);
  EXPECT_EQ(nodes.layer(4)->gather, "ffn_moe_weights-4");
  EXPECT_EQ(nodes.layer(4)->weights, "ffn_moe_weights_norm-4 (reshaped)");
}

TEST(RouterNodes, ScaleIsReadFromTheChain) {
  ggml_tensor scaled = node("ffn_moe_weights_scaled-1", GGML_OP_SCALE);
  const float factor = 2.5f;
  std::memcpy(scaled.op_params, &factor, sizeof factor);
  const auto nodes = learn({node("ffn_moe_weights-1", GGML_OP_GET_ROWS), scaled});
  EXPECT_EQ(nodes.layer(1)->chain.scale, 2.5f);
  EXPECT_EQ(nodes.layer(1)->weights, "ffn_moe_weights_scaled-1");
}

TEST(RouterNodes, BiasedLogitsAreTheFinalOnes) {
  const auto nodes = learn(
      {node("ffn_moe_logits-2", GGML_OP_MUL_MAT), node("ffn_moe_logits_biased-2", GGML_OP_ADD)});
  EXPECT_EQ(nodes.layer(2)->logits, "ffn_moe_logits_biased-2");
}

TEST(RouterNodes, SigmoidWithSelectionBiasAndGroups) {
  ggml_tensor sigmoid = node("ffn_moe_probs-0", GGML_OP_UNARY);
  const std::int32_t op = GGML_UNARY_OP_SIGMOID;
  std::memcpy(sigmoid.op_params, &op, sizeof op);
  ggml_tensor sorted = node("", GGML_OP_ARGSORT);
  sorted.ne[0] = 8;
  ggml_tensor groups = node("ffn_moe_group_topk-0", GGML_OP_VIEW);
  groups.ne[0] = 3;
  groups.view_src = &sorted;
  const auto nodes = learn({node("ffn_moe_logits-0", GGML_OP_MUL_MAT), sigmoid,
                            node("ffn_moe_probs_biased-0", GGML_OP_ADD), groups});
  EXPECT_EQ(nodes.layer(0)->gating, Gating::sigmoid);
  EXPECT_FALSE(nodes.layer(0)->ranks_by_logit);
  EXPECT_EQ(nodes.layer(0)->groups_used, 3u);
  EXPECT_EQ(nodes.layer(0)->num_groups, 8u);
}

// gpt-oss: the logits, with their bias, go by the name of the probabilities.
TEST(RouterNodes, SoftmaxAfterTheSelection) {
  const auto nodes =
      learn({node("ffn_moe_logits-0", GGML_OP_MUL_MAT), node("ffn_moe_probs-0", GGML_OP_ADD),
             node("ffn_moe_probs-0 (reshaped)", GGML_OP_RESHAPE),
             node("ffn_moe_weights-0", GGML_OP_GET_ROWS),
             node("ffn_moe_weights_softmax-0", GGML_OP_RESHAPE)});
  EXPECT_EQ(nodes.layer(0)->logits, "ffn_moe_probs-0");
  EXPECT_EQ(nodes.layer(0)->gating, Gating::softmax_selected);
  EXPECT_TRUE(nodes.layer(0)->chain.softmax);
  EXPECT_TRUE(nodes.layer(0)->ranks_by_logit);
}

TEST(RouterNodes, AnotherGatingIsUnknown) {
  EXPECT_EQ(learn({node("ffn_moe_probs-0", GGML_OP_SQRT)}).layer(0)->gating, Gating::unknown);
}

}  // namespace
}  // namespace bhroute::llama
