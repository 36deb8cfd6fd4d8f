#include "../../src/routing/top_k_policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "kernels/isa_fixture.h"
#include "kernels/logit_shapes.h"
#include "routing/expect_equal_decisions.h"
#include "routing/synthetic_tables.h"

namespace bhroute::routing {
namespace {

class TopKPolicy : public testing::IsaTest {};

TEST_P(TopKPolicy, EqualsTheReference) {
  std::mt19937 random(3);
  for (std::size_t n : {1, 8, 64, 200, 512})
    for (std::size_t k : {1, 4, 8, 16, 100}) {
      std::vector<float> logits;
      for (auto shape : testing::kShapes)
        for (std::size_t i = 0; i < 4 * n; ++i) logits.push_back(testing::draw(shape, random));
      const PolicySpec spec{
          .rule = Rule::top_k, .k = std::min(k, n), .weights = WeightRule::renormalized};
      RoutingDecision got, want;
      const RouteRequest request{.allow_unroutable = true};
      ASSERT_TRUE(make_policy(spec, testing::facts(n))
                      .value()
                      ->route(testing::view(logits, n), 0, request, got));
      ASSERT_TRUE(make_reference_policy(spec, testing::facts(n))
                      .value()
                      ->route(testing::view(logits, n), 0, request, want));
      ASSERT_TRUE(testing::decisions_agree(got, want)) << n << " " << k;
    }
}

INSTANTIATE_TEST_SUITE_P(Isa, TopKPolicy, ::testing::ValuesIn(testing::known_isas()),
                         testing::isa_name);

TEST(TopKPolicyStats, HaveAMaskAndNoPValues) {
  const auto policy = new_top_k_policy({.rule = Rule::top_k, .k = 1}, testing::facts(3));
  const std::vector<float> logits = {1.0f, 3.0f, 2.0f};
  RoutingDecision decision;
  ASSERT_TRUE(policy->route(testing::view(logits, 3), 5, {.stats = true}, decision));
  EXPECT_THAT(decision.stats->selected_mask, ::testing::ElementsAre(0, 1, 0));
  EXPECT_TRUE(decision.stats->p_values.empty());
  EXPECT_EQ(decision.stats->layer, 5);
}

}  // namespace
}  // namespace bhroute::routing
