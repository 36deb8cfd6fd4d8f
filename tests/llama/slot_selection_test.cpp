#include "llama/slot_selection.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

namespace bhroute::llama {
namespace {

using routing::PolicySpec;
using routing::Rule;
using routing::WeightRule;

constexpr std::size_t kExperts = 4;
const std::vector<float> kLogits{0.0f, 2.0f, 1.0f, -1.0f};

double sigmoid(float logit) { return 1 / (1 + std::exp(-static_cast<double>(logit))); }

/// One token through a sigmoid router whose bias lifts expert 3 to the top.
class SlotSelectionTest : public ::testing::Test {
 protected:
  void choose(std::size_t k, WeightRule weights) {
    PolicySpec spec;
    spec.rule = Rule::top_k;
    spec.k = k;
    spec.weights = weights;
    const auto policy = routing::make_policy(spec, {kExperts, 2, layer_.chain.normalizes}).value();
    const LogitsView logits{kLogits.data(), 1, kExperts, kExperts};
    ASSERT_TRUE(policy->route(logits, 0, {}, decision_));
    std::vector<float> gates;
    for (std::size_t slot = 0; slot < 3; ++slot)
      gates.push_back(static_cast<float>(sigmoid(kLogits[order_[slot]])));
    ASSERT_TRUE(selection_.choose(layer_, {logits, order_, gates, 3, 2}, policy.get(), decision_));
  }

  double sum() const {
    return std::accumulate(selection_.weights(0).begin(), selection_.weights(0).end(), 0.0);
  }

  RouterNodes::Layer layer_{.logits = "",
                            .gather = "",
                            .weights = "",
                            .gating = Gating::sigmoid,
                            .chain = {},
                            .ranks_by_logit = false};
  std::vector<std::int32_t> order_{3, 1, 2, 0};
  routing::RoutingDecision decision_;
  SlotSelection selection_;
};

TEST_F(SlotSelectionTest, TheEnginesOrderSaysWhichThePolicyHowMany) {
  choose(2, WeightRule::native);
  EXPECT_EQ(std::vector(selection_.experts(0).begin(), selection_.experts(0).end()),
            (std::vector<std::int32_t>{3, 1}));
  EXPECT_NEAR(selection_.weights(0)[0], sigmoid(-1.0f), 1e-6);
  selection_.write_back(decision_);
  EXPECT_EQ(decision_.expert_ids, (std::vector<std::int32_t>{3, 1}));
}

TEST_F(SlotSelectionTest, ExpertGroupsLeaveFewerToChooseFrom) {
  layer_.num_groups = 4;
  choose(3, WeightRule::native);
  EXPECT_EQ(selection_.experts(0).size(), 1u);
  selection_.write_back(decision_);
  EXPECT_EQ(decision_.num_selected[0], 1);
  EXPECT_EQ(decision_.expert_ids, (std::vector<std::int32_t>{3, -1, -1}));
}

TEST_F(SlotSelectionTest, NativeWeightsGoThroughTheChain) {
  layer_.chain = {.normalizes = true, .scale = 2.5f};
  choose(3, WeightRule::native);
  EXPECT_NEAR(sum(), 2.5, 1e-6);
}

TEST_F(SlotSelectionTest, OtherWeightRulesScaleTheGates) {
  choose(1, WeightRule::renormalized);
  EXPECT_NEAR(sum(), 1.0, 1e-6);
  choose(3, WeightRule::mass);
  EXPECT_NEAR(sum(), sigmoid(-1.0f) + sigmoid(2.0f), 1e-6);
}

TEST(CannotRoute, SaysWhy) {
  EXPECT_TRUE(cannot_route(0, {}, {}));
  PolicySpec warm;
  warm.temperature = 1.5;
  RouterNodes::Layer sigmoid_layer;
  sigmoid_layer.gating = Gating::sigmoid;
  EXPECT_FALSE(cannot_route(3, sigmoid_layer, {}));
  EXPECT_EQ(to_string(*cannot_route(3, sigmoid_layer, warm)),
            "layer 3: a temperature needs a router that ranks experts by a softmax, got "
            "temperature=1.5, want 1");
  sigmoid_layer.gating = Gating::softmax;
  EXPECT_FALSE(cannot_route(3, sigmoid_layer, warm));
}

}  // namespace
}  // namespace bhroute::llama
