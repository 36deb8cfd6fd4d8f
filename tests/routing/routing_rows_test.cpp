#include "../../src/routing/routing_rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "routing/synthetic_tables.h"

namespace bhroute::routing {
namespace {

using kernels::WeightScale;
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

TEST(RoutingRows, NativeIsWhatTheModelDoes) {
  EXPECT_EQ(weight_scale(WeightRule::native, {.normalizes_weights = false}), WeightScale::none);
  EXPECT_EQ(weight_scale(WeightRule::native, {.normalizes_weights = true}), WeightScale::one);
  EXPECT_EQ(weight_scale(WeightRule::renormalized, {.normalizes_weights = false}),
            WeightScale::one);
  EXPECT_EQ(weight_scale(WeightRule::mass, {.normalizes_weights = true}), WeightScale::mass);
}

TEST(RoutingRows, AViewOfAnotherModelIsAnError) {
  const std::vector<float> logits(12);
  RoutingDecision decision;
  const auto ok = begin_decision(testing::view(logits, 6), testing::facts(4), 2, decision);
  ASSERT_FALSE(ok);
  EXPECT_EQ(to_string(ok.error()), "router_logits: wrong number of experts, got 6, want 4");
  EXPECT_FALSE(begin_decision({logits.data(), 2, 4, 3}, testing::facts(4), 2, decision));
}

TEST(RoutingRows, ReportsNansAndTokensOfNans) {
  const std::vector<float> logits = {1.0f, kNan, kNan, kNan};
  RoutingDecision decision;
  ASSERT_TRUE(begin_decision(testing::view(logits, 2), testing::facts(2), 1, decision));
  decision.expert_ids = {0, -1};
  decision.num_selected = {1, 0};
  const auto refused = finish_decision(testing::view(logits, 2), {}, decision);
  ASSERT_FALSE(refused);
  EXPECT_EQ(to_string(refused.error()),
            "router_logits: every logit of a token is NaN, got token 1, want a number");
  ASSERT_TRUE(finish_decision(testing::view(logits, 2), {.allow_unroutable = true}, decision));
  EXPECT_EQ(decision.num_nan_logits, 3u);
  EXPECT_THAT(decision.unroutable_tokens, ::testing::ElementsAre(1));
}

TEST(RoutingRows, MaskAndDenseWeightsFollowTheIds) {
  RoutingDecision decision;
  const std::vector<float> logits(6);
  ASSERT_TRUE(begin_decision(testing::view(logits, 3), testing::facts(3), 2, decision));
  decision.expert_ids = {2, 0, 1, -1};
  decision.routing_weights = {0.5f, 0.25f, 0.75f, 0.0f};
  decision.num_selected = {2, 1};
  ASSERT_TRUE(finish_decision(testing::view(logits, 3), {.dense_weights = true}, decision));
  EXPECT_THAT(decision.dense_routing_weights,
              ::testing::ElementsAre(0.25f, 0.0f, 0.5f, 0.0f, 0.75f, 0.0f));
  EXPECT_THAT(selected_mask(decision), ::testing::ElementsAre(1, 0, 1, 0, 1, 0));
}

}  // namespace
}  // namespace bhroute::routing
