// What must hold for any logits, whatever the numbers.

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "kernels/logit_shapes.h"
#include "routing/synthetic_tables.h"

namespace bhroute::routing {
namespace {

using testing::NullShape;
constexpr std::size_t kExperts = 24;

/// A table and one token's logits, of any shape.
struct Case {
  std::shared_ptr<const calibration::CalibrationTable> table;
  std::vector<float> logits;
};

const std::shared_ptr<const calibration::CalibrationTable>& table_of(NullShape shape) {
  static const std::shared_ptr<const calibration::CalibrationTable> tables[] = {
      testing::make_table(NullShape::conformal, kExperts),
      testing::make_table(NullShape::gridded, kExperts),
      testing::make_table(NullShape::per_expert, kExperts)};
  return tables[static_cast<int>(shape)];
}

Case draw_case(bool pooled_only = false) {
  const auto null = pooled_only ? *rc::gen::element(NullShape::conformal, NullShape::gridded)
                                : *rc::gen::element(NullShape::conformal, NullShape::gridded,
                                                    NullShape::per_expert);
  const auto shape = *rc::gen::elementOf(
      std::vector<testing::Shape>(std::begin(testing::kShapes), std::end(testing::kShapes)));
  std::mt19937 random(*rc::gen::arbitrary<unsigned>());
  std::vector<float> logits(kExperts);
  testing::fill_row(shape, random, logits.data(), kExperts);
  if (std::isnan(logits[0])) logits[0] = 0.0f;  // at least one number
  return {table_of(null), std::move(logits)};
}

RoutingDecision route(const Case& c, const PolicySpec& spec) {
  const auto policy = make_policy(spec, testing::facts(kExperts), c.table);
  RC_ASSERT(policy.has_value());
  RoutingDecision decision;
  RC_ASSERT((*policy)->route(testing::view(c.logits, kExperts), 0, {}, decision).has_value());
  return decision;
}

double draw_alpha() { return *rc::gen::inRange(1, 90) / 100.0; }
std::size_t draw_k() { return static_cast<std::size_t>(*rc::gen::inRange<int>(1, kExperts + 1)); }

RC_GTEST_PROP(RoutingProperties, MoreAlphaNeverSelectsFewer, ()) {
  const Case c = draw_case();
  const auto [low, high] = std::minmax({draw_alpha(), draw_alpha()});
  RC_ASSERT(route(c, {.alpha = low, .max_k = kExperts}).num_selected[0] <=
            route(c, {.alpha = high, .max_k = kExperts}).num_selected[0]);
}

RC_GTEST_PROP(RoutingProperties, MoreMaxKOnlyAppends, ()) {
  const Case c = draw_case();
  const double alpha = draw_alpha();
  const auto [low, high] = std::minmax({draw_k(), draw_k()});
  const auto few = route(c, {.alpha = alpha, .max_k = low});
  const auto many = route(c, {.alpha = alpha, .max_k = high});
  const auto num = few.num_selected[0];
  RC_ASSERT(num == std::min(many.num_selected[0], static_cast<std::int32_t>(low)));
  RC_ASSERT(
      std::equal(few.expert_ids.begin(), few.expert_ids.begin() + num, many.expert_ids.begin()));
}

RC_GTEST_PROP(RoutingProperties, PermutedExpertsArePermutedIds, ()) {
  Case c = draw_case(true);
  // Ties are broken by index, so only distinct logits commute with a permutation.
  std::set<float> seen;
  for (float& r : c.logits)
    while (!std::isnan(r) && !seen.insert(r + 0.0f).second)
      r = std::isinf(r) ? 0.25f : std::nextafter(r, -1e30f);
  std::vector<std::size_t> place(kExperts);
  std::iota(place.begin(), place.end(), std::size_t{0});
  std::shuffle(place.begin(), place.end(), std::mt19937(*rc::gen::arbitrary<unsigned>()));
  Case permuted{c.table, std::vector<float>(kExperts)};
  for (std::size_t i = 0; i < kExperts; ++i) permuted.logits[place[i]] = c.logits[i];
  const PolicySpec spec{.alpha = draw_alpha(), .max_k = kExperts};
  const auto before = route(c, spec), after = route(permuted, spec);
  RC_ASSERT(before.num_selected == after.num_selected);
  for (std::size_t i = 0; i < static_cast<std::size_t>(before.num_selected[0]); ++i)
    RC_ASSERT(place[static_cast<std::size_t>(before.expert_ids[i])] ==
              static_cast<std::size_t>(after.expert_ids[i]));
}

RC_GTEST_PROP(RoutingProperties, RowsAreWellFormed, ()) {
  const Case c = draw_case();
  const auto [min_k, max_k] = std::minmax({draw_k(), draw_k()});
  const auto decision = route(c, {.alpha = draw_alpha(), .min_k = min_k, .max_k = max_k});
  const auto num = static_cast<std::size_t>(decision.num_selected[0]);
  const auto numbers = static_cast<std::size_t>(
      std::count_if(c.logits.begin(), c.logits.end(), [](float r) { return !std::isnan(r); }));
  RC_ASSERT(num >= std::min(min_k, numbers) && num <= std::min(max_k, numbers));
  const std::set<std::int32_t> ids(decision.expert_ids.begin(),
                                   decision.expert_ids.begin() + static_cast<std::ptrdiff_t>(num));
  RC_ASSERT(ids.size() == num);
  for (auto id : ids) RC_ASSERT(id >= 0 && !std::isnan(c.logits[static_cast<std::size_t>(id)]));
  for (std::size_t i = num; i < max_k; ++i)
    RC_ASSERT(decision.expert_ids[i] == -1 && decision.routing_weights[i] == 0.0f);
}

RC_GTEST_PROP(RoutingProperties, TiesGoToTheLowerIndex, ()) {
  const Case c = draw_case(true);
  const auto decision = route(c, {.alpha = draw_alpha(), .max_k = kExperts});
  for (std::size_t i = 1; i < static_cast<std::size_t>(decision.num_selected[0]); ++i) {
    const auto a = static_cast<std::size_t>(decision.expert_ids[i - 1]),
               b = static_cast<std::size_t>(decision.expert_ids[i]);
    RC_ASSERT(c.logits[a] > c.logits[b] || (c.logits[a] == c.logits[b] && a < b));
  }
}

double weight_sum(const RoutingDecision& decision) {
  return std::accumulate(decision.routing_weights.begin(), decision.routing_weights.end(), 0.0);
}

RC_GTEST_PROP(RoutingProperties, RenormalizedWeightsSumToOne, ()) {
  const Case c = draw_case();
  const auto decision = route(
      c,
      {.alpha = draw_alpha(), .min_k = 2, .max_k = kExperts, .weights = WeightRule::renormalized});
  RC_ASSERT(std::fabs(weight_sum(decision) - 1.0) < 1e-5);
}

RC_GTEST_PROP(RoutingProperties, MassWeightsSumToTheMassOfTheOwnTopK, ()) {
  const Case c = draw_case();
  const auto adaptive =
      route(c, {.alpha = draw_alpha(), .max_k = kExperts, .weights = WeightRule::mass});
  const auto own = route(c, {.rule = Rule::top_k, .k = testing::facts(kExperts).top_k});
  RC_ASSERT(std::fabs(weight_sum(adaptive) - weight_sum(own)) < 1e-5);
}

}  // namespace
}  // namespace bhroute::routing
