#include "ggml/claims.h"

#include <gtest/gtest.h>

#include "ggml/moe_graph.h"

namespace bhroute::ggml {
namespace {

using test::Gating;
using test::MoeGraph;
using test::MoeShape;

TEST(Claims, EveryNodeOfEveryKindOfBlock) {
  for (const MoeShape& shape :
       {MoeShape{},
        MoeShape{
            .gating = Gating::sigmoid, .selection_bias = true, .normalizes = true, .scale = 2.0f},
        MoeShape{.gating = Gating::softmax_of_selected, .biases = true}, MoeShape{.merged = true},
        MoeShape{.top_k = 1}}) {
    const MoeGraph graph(shape);
    for (const ggml_tensor* node : graph.nodes())
      EXPECT_TRUE(claims_op(node)) << node->name << " " << ggml_op_name(node->op);
  }
}

class Nodes : public testing::Test {
 protected:
  Nodes() : context_(ggml_init({.mem_size = 1 << 16, .mem_buffer = nullptr, .no_alloc = true})) {
    EXPECT_TRUE(bind_host(reinterpret_cast<const void*>(&ggml_init)));
  }
  ~Nodes() override { ggml_free(context_); }
  ggml_tensor* leaf() { return ggml_new_tensor_2d(context_, GGML_TYPE_F32, 16, 4); }
  ggml_context* context_;
};

TEST_F(Nodes, WhatIsNotOfAMoeBlockIsLeftToTheHost) {
  EXPECT_FALSE(claims_op(ggml_soft_max(context_, leaf())));
  EXPECT_FALSE(claims_op(ggml_add(context_, leaf(), leaf())));
  EXPECT_FALSE(claims_op(ggml_mul_mat(context_, leaf(), leaf())));
  EXPECT_FALSE(claims_op(ggml_argsort(context_, leaf(), GGML_SORT_ORDER_DESC)));
  EXPECT_FALSE(claims_op(ggml_rms_norm(context_, leaf(), 1e-5f)));
  ggml_tensor* logits = ggml_mul_mat(context_, leaf(), leaf());
  ggml_set_name(logits, "ffn_moe_logits-0");
  EXPECT_FALSE(claims_op(logits)) << "a host may want to see the logits";
}

TEST_F(Nodes, TheChoiceAmongGroupsIsKnownByWhatItComesFrom) {
  ggml_tensor* probs = ggml_sigmoid(context_, leaf());
  ggml_set_name(probs, "ffn_moe_probs_biased-2");
  ggml_tensor* groups = ggml_reshape_3d(context_, probs, 4, 4, 4);
  EXPECT_TRUE(claims_op(ggml_argsort(context_, groups, GGML_SORT_ORDER_DESC)));
  EXPECT_TRUE(claims_op(ggml_fill(context_, groups, -INFINITY)));
}

TEST(ClaimedBuffers, HostMemoryAndTheCpusOwnLayouts) {
  ASSERT_TRUE(bind_host(reinterpret_cast<const void*>(&ggml_init)));
  EXPECT_TRUE(claims_buffer_type(ggml_backend_cpu_buffer_type()));
  ggml_backend_dev_t cpu = ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU);
  const auto extra =
      reinterpret_cast<ggml_backend_dev_get_extra_bufts_t>(ggml_backend_reg_get_proc_address(
          ggml_backend_dev_backend_reg(cpu), "ggml_backend_dev_get_extra_bufts"));
  for (ggml_backend_buffer_type_t* type = extra(cpu); type != nullptr && *type != nullptr; ++type)
    EXPECT_TRUE(claims_buffer_type(*type)) << ggml_backend_buft_name(*type);
  ggml_backend_buffer_type strange{};
  strange.iface.is_host = [](ggml_backend_buffer_type_t) { return false; };
  EXPECT_FALSE(claims_buffer_type(&strange));
}

}  // namespace
}  // namespace bhroute::ggml
