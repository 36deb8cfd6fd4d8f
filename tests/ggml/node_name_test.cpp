#include "ggml/node_name.h"

#include <gtest/gtest.h>

namespace bhroute::ggml {
namespace {

TEST(MoeName, StemLayerAndSuffix) {
  const auto plain = parse_moe_name("ffn_moe_weights_norm-12");
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->stem, "weights_norm");
  EXPECT_EQ(plain->layer, 12);
  const auto view = parse_moe_name("ffn_moe_probs-0 (reshaped)");
  ASSERT_TRUE(view);
  EXPECT_EQ(view->stem, "probs");
  EXPECT_EQ(view->layer, 0);
}

TEST(MoeName, OtherNames) {
  for (const char* name : {"", "node_3", "ffn_moe_probs", "ffn_moe_probs-", "ffn_moe_probs-x",
                           "ffn_moe_probs-1x", "ffn_up-3", "attn_norm-0"})
    EXPECT_FALSE(parse_moe_name(name)) << name;
}

TEST(MoeName, ViewsComputeNothing) {
  ggml_tensor node{};
  node.op = GGML_OP_RESHAPE;
  EXPECT_TRUE(is_view_like(&node));
  node.op = GGML_OP_ADD;
  EXPECT_FALSE(is_view_like(&node));
}

}  // namespace
}  // namespace bhroute::ggml
