#include "llama/router_tap.h"

#include <gtest/gtest.h>

#include <cstring>

namespace bhroute::llama {
namespace {

ggml_tensor node(const char* name, ggml_op op, std::int64_t num_tokens) {
  ggml_tensor tensor{};
  std::strncpy(tensor.name, name, sizeof tensor.name - 1);
  tensor.op = op;
  tensor.ne[0] = 64;
  tensor.ne[1] = num_tokens;
  tensor.ne[2] = tensor.ne[3] = 1;
  return tensor;
}

class CountCalls final : public evaluation::RouterObserver {
 public:
  void on_layer(int layer, LogitsView logits, const routing::RoutingDecision* decision) override {
    ++calls;
    last_layer = layer;
    num_tokens += logits.num_tokens;
    decided = decision != nullptr;
  }
  int calls = 0, last_layer = -1;
  std::size_t num_tokens = 0;
  bool decided = false;
};

class RouterTapTest : public ::testing::Test {
 protected:
  RouterTapTest() : tap_(model()) {
    tap_.set_slots(8);
    tap_.start_learning();
    RouterTap::on_node(&logits_, true, &tap_);
    RouterTap::on_node(&weights_, true, &tap_);
    tap_.stop_learning();
  }

  static const evaluation::ModelDescription& model() {
    static const evaluation::ModelDescription description = [] {
      evaluation::ModelDescription d;
      d.num_experts = 64;
      d.top_k = 8;
      return d;
    }();
    return description;
  }

  ggml_tensor logits_ = node("ffn_moe_logits-15", GGML_OP_MUL_MAT, 0);
  ggml_tensor weights_ = node("ffn_moe_weights-15", GGML_OP_GET_ROWS, 0);
  RouterTap tap_;
};

TEST_F(RouterTapTest, StopsNowhereWhileNobodyWatchesOrRoutes) {
  EXPECT_FALSE(RouterTap::on_node(&logits_, true, &tap_));
  EXPECT_FALSE(RouterTap::on_node(&weights_, true, &tap_));
}

TEST_F(RouterTapTest, StopsAtTheLogitsAloneToWatch) {
  CountCalls count;
  tap_.set_observer(&count);
  EXPECT_TRUE(RouterTap::on_node(&logits_, true, &tap_));
  EXPECT_FALSE(RouterTap::on_node(&weights_, true, &tap_));
}

TEST_F(RouterTapTest, StopsAtTheLastWeightsTooToRoute) {
  tap_.set_slots(16);  // surplus slots are to get weight 0
  EXPECT_TRUE(RouterTap::on_node(&logits_, true, &tap_));
  EXPECT_TRUE(RouterTap::on_node(&weights_, true, &tap_));
  tap_.set_plain_override(true);  // the surplus slots are the wish: nothing to edit
  EXPECT_FALSE(RouterTap::on_node(&logits_, true, &tap_));
  EXPECT_FALSE(RouterTap::on_node(&weights_, true, &tap_));
}

TEST_F(RouterTapTest, ALayerWithoutTokensIsANormalCase) {
  const auto policy = routing::make_policy({.rule = routing::Rule::top_k, .k = 4}, model().facts());
  ASSERT_TRUE(policy);
  CountCalls count;
  tap_.set_observer(&count);
  tap_.set_policy(policy->get());
  EXPECT_TRUE(RouterTap::on_node(&logits_, false, &tap_));
  EXPECT_TRUE(RouterTap::on_node(&weights_, false, &tap_));
  EXPECT_FALSE(tap_.take_error());
  EXPECT_EQ(count.calls, 1);
  EXPECT_EQ(count.last_layer, 15);
  EXPECT_EQ(count.num_tokens, 0u);
  EXPECT_TRUE(count.decided);
}

TEST_F(RouterTapTest, OtherNodesAreLeftAlone) {
  CountCalls count;
  tap_.set_observer(&count);
  ggml_tensor other = node("ffn_moe_probs-15", GGML_OP_SOFT_MAX, 3);
  ggml_tensor unknown = node("ffn_moe_logits-16", GGML_OP_MUL_MAT, 3);
  EXPECT_FALSE(RouterTap::on_node(&other, true, &tap_));
  EXPECT_FALSE(RouterTap::on_node(&unknown, true, &tap_));
}

}  // namespace
}  // namespace bhroute::llama
