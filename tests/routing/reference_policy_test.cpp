#include "../../src/routing/reference_policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "routing/synthetic_tables.h"

namespace bhroute::routing {
namespace {

using ::testing::ElementsAre;
using testing::NullShape;
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

RoutingDecision route(const PolicySpec& spec, const std::vector<float>& logits, std::size_t n) {
  const auto policy =
      new_reference_policy(spec, testing::facts(n), testing::make_table(NullShape::gridded, n));
  RoutingDecision decision;
  EXPECT_TRUE(policy->route(testing::view(logits, n), 0, {.stats = true, .allow_unroutable = true},
                            decision));
  return decision;
}

TEST(ReferencePolicy, SelectsByTheStepUp) {
  // p about 0.0013, 0.0228, 0.5, 0.5; critical values 0.0125, 0.025, 0.0375, 0.05: two pass.
  const auto decision = route({.max_k = 4}, {2.0f, 0.0f, 3.0f, 0.0f}, 4);
  EXPECT_THAT(decision.expert_ids, ElementsAre(2, 0, -1, -1));
  EXPECT_THAT(decision.num_selected, ElementsAre(2));
}

TEST(ReferencePolicy, SaturatedPIsOrderedByLogitThenIndex) {
  const auto decision = route({.max_k = 4}, {30.0f, 40.0f, 30.0f, -9.0f}, 4);
  EXPECT_THAT(decision.expert_ids, ElementsAre(1, 0, 2, -1));
}

TEST(ReferencePolicy, BoundsHold) {
  EXPECT_THAT(route({.min_k = 2, .max_k = 4}, {0.0f, -1.0f, 0.5f, kNan}, 4).expert_ids,
              ElementsAre(2, 0, -1, -1));
  EXPECT_THAT(route({.max_k = 1}, {4.0f, 4.5f, 0.0f, 0.0f}, 4).expert_ids, ElementsAre(1));
  EXPECT_THAT(route({.max_k = 1}, {kNan, kNan, kNan, kNan}, 4).unroutable_tokens, ElementsAre(0));
}

TEST(ReferencePolicy, TopKNeedsNoTable) {
  const auto policy =
      new_reference_policy({.rule = Rule::top_k, .k = 2}, testing::facts(4), nullptr);
  RoutingDecision decision;
  const std::vector<float> logits = {0.0f, 3.0f, kNan, 3.0f};
  ASSERT_TRUE(policy->route(testing::view(logits, 4), 0, {.stats = true}, decision));
  EXPECT_THAT(decision.expert_ids, ElementsAre(1, 3));
  EXPECT_TRUE(decision.stats->p_values.empty());
  EXPECT_THAT(decision.stats->selected_mask, ElementsAre(0, 1, 0, 1));
}

}  // namespace
}  // namespace bhroute::routing
