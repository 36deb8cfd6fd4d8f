// The rules without p-values: the path that engines run against the plain formula in double.

#include "../../src/routing/rival_policy.h"

#include <gtest/gtest.h>

#include <limits>

#include "kernels/isa_fixture.h"
#include "kernels/logit_shapes.h"
#include "routing/expect_equal_decisions.h"
#include "routing/synthetic_tables.h"

namespace bhroute::routing {
namespace {

/// Every rule, at parameters that small numbers of experts feel too.
std::vector<PolicySpec> rivals(std::size_t n) {
  const std::size_t few = std::min<std::size_t>(n, 10), low = std::min<std::size_t>(n, 2);
  std::vector<PolicySpec> list;
  for (double share : {0.0, 0.05, 0.3, 1.0}) {
    list.push_back({.rule = Rule::ser, .min_k = low, .max_k = few, .t = share});
    list.push_back({.rule = Rule::min_p, .max_k = n, .weights = WeightRule::mass, .m = share});
    list.push_back({.rule = Rule::prob_threshold, .max_k = few, .level = share});
    if (share == 0.0) continue;
    list.push_back({.rule = Rule::skip_ratio, .max_k = few, .beta = share});
    list.push_back(
        {.rule = Rule::top_p, .max_k = n, .weights = WeightRule::renormalized, .p = share});
  }
  for (bool dither : {false, true})
    list.push_back({.rule = Rule::rank_signal,
                    .max_k = few,
                    .rank = std::min<std::size_t>(n, dither ? 12 : 5),
                    .k0 = 4.0,
                    .gain = 1.5,
                    .mean = -3.0,
                    .sd = 0.7,
                    .dither = dither});
  for (calibration::Statistic statistic :
       {calibration::Statistic::logit, calibration::Statistic::log_prob,
        calibration::Statistic::standardized}) {
    PolicySpec spec{.rule = Rule::critical, .min_k = low, .max_k = few, .statistic = statistic};
    constexpr double infinity = std::numeric_limits<double>::infinity();
    for (double z : {0.5, -3.5, -infinity, -2.0, 0.0, infinity, -4.0, -1.0})
      if (spec.criticals.size() < few - low) spec.criticals.push_back(z);
    list.push_back(spec);
  }
  list.push_back({.rule = Rule::entropy,
                  .max_k = few,
                  .weights = WeightRule::mass,
                  .edges = {0.1, 1.0, 2.0, 3.5},
                  .counts = {1, low, 3, 5, 9}});
  for (PolicySpec& spec : list)
    for (std::size_t& count : spec.counts) count = std::min(count, n);
  return list;
}

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
    for (const PolicySpec& spec : rivals(n)) expect_equal(spec, logits, n);
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
