// The fast path against the double reference, on every instruction set: the heart of the matter.

#include "../../src/routing/testing_policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "bhroute/core/log.h"
#include "kernels/isa_fixture.h"
#include "kernels/logit_shapes.h"
#include "routing/expect_equal_decisions.h"
#include "routing/synthetic_tables.h"

namespace bhroute::routing {
namespace {

using calibration::Statistic;
using testing::NullShape;
using testing::rows_of_every_shape;
constexpr NullShape kNulls[] = {NullShape::conformal, NullShape::gridded, NullShape::per_expert};
constexpr Statistic kStatistics[] = {Statistic::logit, Statistic::log_prob,
                                     Statistic::standardized};

using Table = std::shared_ptr<const calibration::CalibrationTable>;

void expect_equal(const PolicySpec& spec, const Table& table, const std::vector<float>& logits,
                  std::size_t num_experts) {
  const auto fast = make_policy(spec, testing::facts(num_experts), table);
  const auto reference = make_reference_policy(spec, testing::facts(num_experts), table);
  ASSERT_TRUE(fast && reference) << to_string((fast ? reference : fast).error());
  RoutingDecision got, want;
  const RouteRequest request{.allow_unroutable = true};
  ASSERT_TRUE((*fast)->route(testing::view(logits, num_experts), 0, request, got));
  ASSERT_TRUE((*reference)->route(testing::view(logits, num_experts), 0, request, want));
  ASSERT_TRUE(testing::decisions_agree(got, want)) << "N " << num_experts << " " << to_string(spec);
  ASSERT_EQ(got.num_nan_logits, want.num_nan_logits);
  ASSERT_EQ(got.unroutable_tokens, want.unroutable_tokens);
}

class TestingPolicy : public testing::IsaTest {};

TEST_P(TestingPolicy, EqualsTheReferenceForEveryNumberOfExperts) {
  for (std::size_t n = 1; n <= 512; ++n) {
    const auto logits = rows_of_every_shape(n, 1, static_cast<unsigned>(n));
    const PolicySpec few{.alpha = 0.05, .max_k = std::min<std::size_t>(n, 16)};
    const PolicySpec many{.alpha = 0.4, .min_k = (n + 3) / 4, .max_k = n};
    for (NullShape null : {NullShape::conformal, NullShape::gridded}) {
      const auto table = testing::make_table(null, n, kStatistics[n % 3]);
      expect_equal(few, table, logits, n);
      expect_equal(many, table, logits, n);
    }
  }
}

TEST_P(TestingPolicy, EqualsTheReferenceWithANullForEachExpert) {
  for (std::size_t n : {1, 2, 3, 7, 8, 16, 33, 64, 130}) {
    const auto logits = rows_of_every_shape(n, 6, static_cast<unsigned>(n));
    for (Statistic statistic : kStatistics) {
      const auto table = testing::make_table(NullShape::per_expert, n, statistic);
      expect_equal({.alpha = 0.05, .max_k = std::min<std::size_t>(n, 16)}, table, logits, n);
      expect_equal({.alpha = 0.5, .min_k = std::min<std::size_t>(n, 3), .max_k = n}, table, logits,
                   n);
    }
  }
}

TEST_P(TestingPolicy, EqualsTheReferenceForEveryRule) {
  const auto logits = rows_of_every_shape(64, 6, 11);
  for (NullShape null : kNulls)
    for (Statistic statistic : kStatistics) {
      const auto table = testing::make_table(null, 64, statistic);
      for (double alpha : {0.01, 0.05, 0.2, 0.9})
        for (auto [min_k, max_k] :
             {std::pair<std::size_t, std::size_t>{1, 1}, {1, 8}, {4, 16}, {1, 64}, {64, 64}})
          for (WeightRule weights :
               {WeightRule::native, WeightRule::renormalized, WeightRule::mass})
            expect_equal({.alpha = alpha, .min_k = min_k, .max_k = max_k, .weights = weights},
                         table, logits, 64);
    }
}

TEST_P(TestingPolicy, EqualsTheReferenceForEveryProcedure) {
  for (std::size_t n : {1, 7, 64, 130}) {
    const auto logits = rows_of_every_shape(n, 4, static_cast<unsigned>(n));
    for (NullShape null : {NullShape::gridded, NullShape::per_expert}) {
      const auto table = testing::make_table(null, n, kStatistics[n % 3]);
      for (Rule rule : all_rules())
        for (double alpha : {0.02, 0.4}) {
          if (!uses_p_values(rule)) continue;
          expect_equal({.rule = rule, .alpha = alpha, .max_k = std::min<std::size_t>(n, 16)}, table,
                       logits, n);
          expect_equal({.rule = rule,
                        .alpha = alpha,
                        .min_k = (n + 3) / 4,
                        .max_k = n,
                        .clamp_p_values = true,
                        .lambda = 0.2,
                        .kappa = 0.8,
                        .beta = 1.0},
                       table, logits, n);
        }
    }
  }
}

TEST_P(TestingPolicy, EqualsTheReferenceWithClampedPValues) {
  // Wide rows saturate p at 0, which the clamp lifts above the first critical values at this alpha.
  const auto logits = rows_of_every_shape(64, 12, 12);
  for (NullShape null : kNulls)
    for (double alpha : {1e-6, 7e-6, 0.05, 1.0 - 1e-9}) {
      if (null == NullShape::conformal && alpha < 0.01)
        continue;  // refused: the table is too small
      expect_equal({.alpha = alpha, .max_k = 64, .clamp_p_values = true},
                   testing::make_table(null, 64), logits, 64);
    }
}

TEST_P(TestingPolicy, EqualsTheReferenceWithoutATable) {
  const auto logits = rows_of_every_shape(16, 5, 13);
  expect_equal({.alpha = 0.3, .max_k = 16}, nullptr, logits, 16);
  expect_equal({.alpha = 0.3, .max_k = 16}, nullptr, {logits.begin(), logits.begin() + 16}, 16);
}

TEST_P(TestingPolicy, EqualsTheReferenceAtOtherTemperatures) {
  const auto logits = rows_of_every_shape(64, 12, 14);
  for (double temperature : {0.1, 0.7, 1.3, 20.0})
    expect_equal({.alpha = 0.1, .max_k = 16, .temperature = temperature},
                 testing::make_table(NullShape::gridded, 64), logits, 64);
}

INSTANTIATE_TEST_SUITE_P(Isa, TestingPolicy, ::testing::ValuesIn(testing::known_isas()),
                         testing::isa_name);

TEST(TestingPolicyTable, MissingLayersFallBackAndTheirTableIsWarnedOfOnce) {
  std::vector<std::string> warnings;
  set_log_sink([&](Severity, std::string_view message) { warnings.emplace_back(message); });
  const auto policy =
      make_policy({.max_k = 8}, testing::facts(8), testing::make_table(NullShape::gridded, 8));
  ASSERT_TRUE(policy);
  const auto logits = rows_of_every_shape(8, 1, 15);
  RoutingDecision decision;
  for (int layer : {977, 977, 978})
    ASSERT_TRUE((*policy)->route(testing::view(logits, 8), layer,
                                 {.stats = true, .allow_unroutable = true}, decision));
  set_log_sink({});
  EXPECT_FALSE(decision.stats->table_available);
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_THAT(warnings[0], ::testing::AllOf(::testing::HasSubstr("layer 977"),
                                            ::testing::HasSubstr("one call only")));
}

TEST(TestingPolicyTable, EachLayerHasItsOwnParameters) {
  auto table = *testing::make_table(NullShape::gridded, 8);
  table.layers.emplace(1, table.layers.at(0));
  PolicySpec spec{.rule = Rule::fixed, .alpha = 0.01, .max_k = 4};
  spec.layers[1] = {{"alpha", 0.9}, {"max_k", std::size_t{6}}};
  const auto policy = make_policy(spec, testing::facts(8),
                                  std::make_shared<const calibration::CalibrationTable>(table));
  ASSERT_TRUE(policy);
  const std::vector<float> logits = {4, 0, -1, 3, 0, 0, 0, 0};
  RoutingDecision decision;
  ASSERT_TRUE((*policy)->route(testing::view(logits, 8), 0, {.stats = true}, decision));
  EXPECT_EQ(decision.num_selected[0], 2);
  EXPECT_EQ(decision.stats->critical_values, std::vector<double>(8, 0.01));
  ASSERT_TRUE((*policy)->route(testing::view(logits, 8), 1, {}, decision));
  EXPECT_EQ(decision.num_selected[0], 6);
}

TEST(TestingPolicyTable, StatsAndDenseWeightsOnRequest) {
  const auto policy = make_policy({.alpha = 0.1, .max_k = 8}, testing::facts(8),
                                  testing::make_table(NullShape::gridded, 8));
  const std::vector<float> logits = {4, 0, -1, 3, 0, 0, 0, 0};
  RoutingDecision decision;
  ASSERT_TRUE((*policy)->route(testing::view(logits, 8), 0, {.dense_weights = true, .stats = true},
                               decision));
  EXPECT_THAT(decision.expert_ids, ::testing::ElementsAre(0, 3, -1, -1, -1, -1, -1, -1));
  ASSERT_TRUE(decision.stats);
  EXPECT_TRUE(decision.stats->table_available);
  EXPECT_THAT(decision.stats->selected_mask, ::testing::ElementsAre(1, 0, 0, 1, 0, 0, 0, 0));
  EXPECT_EQ(decision.stats->critical_values[1], 2.0 / 8.0 * 0.1);
  EXPECT_NEAR(decision.stats->p_values[1], 0.5, 0.01);
  EXPECT_EQ(decision.dense_routing_weights[3], decision.routing_weights[1]);
  EXPECT_EQ(decision.dense_routing_weights[2], 0.0f);
  ASSERT_TRUE((*policy)->route(testing::view(logits, 8), 0, {}, decision));
  EXPECT_TRUE(decision.dense_routing_weights.empty());
  EXPECT_FALSE(decision.stats);
}

}  // namespace
}  // namespace bhroute::routing
