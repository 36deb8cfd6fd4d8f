#include "../../src/routing/selecting_policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "routing/synthetic_tables.h"

namespace bhroute::routing {
namespace {

using ::testing::ElementsAre;

// Gives every token the first experts, as many as the layer's spec says.
class FirstExperts final : public SelectingPolicy {
 public:
  explicit FirstExperts(const PolicySpec& spec) : SelectingPolicy(spec, testing::facts(4)) {}

 private:
  void select(const PolicySpec& spec, int, LogitsView, RoutingDecision& decision) const override {
    for (std::size_t i = 0; i < decision.expert_ids.size(); ++i)
      decision.expert_ids[i] = static_cast<std::int32_t>(i % spec.k);
    decision.num_selected.assign(decision.num_tokens, static_cast<std::int32_t>(spec.k));
  }
};

const std::vector<float> kLogits(8);

TEST(SelectingPolicy, SelectsByTheLayersSpecInRowsOfItsSlots) {
  const FirstExperts policy({.rule = Rule::top_k_per_layer, .ks = {3, 1}});
  RoutingDecision decision;
  ASSERT_TRUE(policy.route(testing::view(kLogits, 4), 0, {}, decision));
  EXPECT_THAT(decision.expert_ids, ElementsAre(0, 1, 2, 0, 1, 2));
  ASSERT_TRUE(policy.route(testing::view(kLogits, 4), 1, {}, decision));
  EXPECT_THAT(decision.expert_ids, ElementsAre(0, 0));
}

TEST(SelectingPolicy, ALayerWithoutACountIsAnError) {
  const FirstExperts policy({.rule = Rule::top_k_per_layer, .ks = {3, 1}});
  RoutingDecision decision;
  EXPECT_FALSE(policy.route(testing::view(kLogits, 4), 2, {}, decision));
}

TEST(SelectingPolicy, FinishesTheDecisionAndAddsStatsOnRequest) {
  const FirstExperts policy({.rule = Rule::top_k, .k = 2});
  RoutingDecision decision;
  ASSERT_TRUE(policy.route(testing::view(kLogits, 4), 5, {.dense_weights = true}, decision));
  EXPECT_EQ(decision.dense_routing_weights.size(), 8u);
  EXPECT_FALSE(decision.stats);
  ASSERT_TRUE(policy.route(testing::view(kLogits, 4), 5, {.stats = true}, decision));
  ASSERT_TRUE(decision.stats);
  EXPECT_EQ(decision.stats->layer, 5);
  EXPECT_THAT(decision.stats->selected_mask, ElementsAre(1, 1, 0, 0, 1, 1, 0, 0));
}

}  // namespace
}  // namespace bhroute::routing
