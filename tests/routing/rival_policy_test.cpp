// The rules without p-values: the path that engines run against the plain formula in double.

#include "../../src/routing/rival_policy.h"

#include <gtest/gtest.h>

#include <limits>

#include "kernels/isa_fixture.h"
#include "kernels/logit_shapes.h"
#include "routing/expect_equal_decisions.h"
#include "routing/rival_specs.h"
#include "routing/synthetic_tables.h"

namespace bhroute::routing {
namespace {

void expect_equal(const PolicySpec& spec, const std::vector<float>& logits, std::size_t n) {
  const auto fast = make_policy(spec, testing::facts(n));
  const auto reference = make_reference_policy(spec, testing::facts(n));
  ASSERT_TRUE(fast && reference) << to_string((fast ? reference : fast).error());
  RoutingDecision got, want;
  const RouteRequest request{.allow_unroutable = true};
  ASSERT_TRUE((*fast)->route(testing::view(logits, n), 0, request, got));
  ASSERT_TRUE((*reference)->route(testing::view(logits, n), 0, request, want));
  ASSERT_TRUE(testing::decisions_agree(got, want)) << "N " << n << " " << to_string(spec);
  ASSERT_EQ(got.unroutable_tokens, want.unroutable_tokens);
}

class RivalPolicy : public testing::IsaTest {};

TEST_P(RivalPolicy, EqualsTheFormulaForEveryNumberOfExperts) {
  for (std::size_t n = 1; n <= 512; n += n < 70 ? 1 : 13) {
    const auto logits = testing::rows_of_every_shape(n, 2, static_cast<unsigned>(n));
    for (const PolicySpec& spec : testing::rival_specs(n)) expect_equal(spec, logits, n);
  }
}

INSTANTIATE_TEST_SUITE_P(Isa, RivalPolicy, ::testing::ValuesIn(testing::known_isas()),
                         testing::isa_name);

TEST(RivalPolicyLayers, EachLayerHasItsOwnParameters) {
  PolicySpec spec{.rule = Rule::min_p, .max_k = 3, .m = 0.5};
  spec.layers[1] = {{"m", 0.0}, {"max_k", std::size_t{4}}};
  const auto policy = make_policy(spec, testing::facts(4)).value();
  const std::vector<float> logits{3.0f, 0.0f, 0.0f, 0.0f};
  RoutingDecision decision;
  ASSERT_TRUE(policy->route(testing::view(logits, 4), 0, {}, decision));
  EXPECT_EQ(decision.num_selected[0], 1);
  EXPECT_EQ(decision.max_k, 3u);
  ASSERT_TRUE(policy->route(testing::view(logits, 4), 1, {}, decision));
  EXPECT_EQ(decision.num_selected[0], 4);
  EXPECT_EQ(decision.max_k, 4u);
}

}  // namespace
}  // namespace bhroute::routing
