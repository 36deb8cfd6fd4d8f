#include "reference_policy.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <tuple>

#include "p_values.h"
#include "reference_weights.h"
#include "rival_count.h"
#include "routing_rows.h"
#include "rule_procedure.h"
#include "selecting_policy.h"

namespace bhroute::routing {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// Experts whose logit is a number: p ascending (a NaN p last), then logit descending, then index
/// ascending. Without p-values: by logit.
std::vector<std::int32_t> order_experts(std::span<const float> logits, std::span<const double> p) {
  std::vector<std::int32_t> order;
  for (std::size_t i = 0; i < logits.size(); ++i)
    if (!std::isnan(logits[i])) order.push_back(static_cast<std::int32_t>(i));
  const auto key = [&](std::int32_t id) {
    const double value = p.empty() ? 0.0 : p[static_cast<std::size_t>(id)];
    return std::tuple(std::isnan(value) ? kInfinity : value, -logits[static_cast<std::size_t>(id)],
                      id);
  };
  std::sort(order.begin(), order.end(), [&](auto a, auto b) { return key(a) < key(b); });
  return order;
}

std::size_t wanted(const PolicySpec& spec, std::span<const float> logits,
                   std::span<const double> p) {
  if (!uses_p_values(spec.rule)) return rival_count(spec, logits);
  const std::size_t passed = stats::run(procedure_of(spec), p).num_rejections;
  return std::clamp(passed, spec.min_k, spec.max_k);
}

class ReferencePolicy final : public SelectingPolicy {
 public:
  ReferencePolicy(const PolicySpec& spec, const RouterFacts& facts,
                  std::shared_ptr<const calibration::CalibrationTable> table)
      : SelectingPolicy(spec, facts, std::move(table)) {}

 private:
  void select(const PolicySpec& spec, int layer, LogitsView logits,
              RoutingDecision& decision) const override {
    BatchPValues p;
    if (uses_p_values(spec.rule))
      p = batch_p_values(logits, layer, table_.get(), spec.clamp_p_values);
    const std::size_t n = logits.num_experts;
    for (std::size_t t = 0; t < logits.num_tokens; ++t) {
      const auto row = std::span<const double>(p.values).subspan(p.values.empty() ? 0 : t * n);
      route_token(spec, logits.token(t), row.first(row.empty() ? 0 : n), t, decision);
    }
  }

  void route_token(const PolicySpec& spec, std::span<const float> logits, std::span<const double> p,
                   std::size_t t, RoutingDecision& decision) const {
    std::vector<std::int32_t> ids = order_experts(logits, p);
    ids.resize(std::min(wanted(spec, logits, p), ids.size()));
    const std::size_t width = decision.max_k;
    const auto id_slots = std::span(decision.expert_ids).subspan(t * width, width);
    const auto weights = std::span(decision.routing_weights).subspan(t * width, width);
    std::fill(std::copy(ids.begin(), ids.end(), id_slots.begin()), id_slots.end(), -1);
    std::fill(weights.begin(), weights.end(), 0.0f);
    decision.num_selected[t] = static_cast<std::int32_t>(ids.size());
    const WeightForm form{spec.temperature, weight_scale(spec.weights, facts_), facts_.top_k};
    reference_weights(logits, ids, form, weights.first(ids.size()));
  }
};

}  // namespace

std::unique_ptr<Policy> new_reference_policy(
    const PolicySpec& spec, const RouterFacts& facts,
    std::shared_ptr<const calibration::CalibrationTable> table) {
  return std::make_unique<ReferencePolicy>(spec, facts, std::move(table));
}

RoutingStats reference_stats(LogitsView logits, int layer, const PolicySpec& spec,
                             const calibration::CalibrationTable* table,
                             const RoutingDecision& decision) {
  RoutingStats stats;
  stats.layer = layer;
  stats.selected_mask = selected_mask(decision);
  if (!uses_p_values(spec.rule)) return stats;
  BatchPValues p = batch_p_values(logits, layer, table, spec.clamp_p_values);
  stats.p_values = std::move(p.values);
  stats.table_available = p.table_available;
  if (auto test = stats::step_test(procedure_of(spec), logits.num_experts))
    stats.critical_values = std::move(test->critical_values);
  return stats;
}

}  // namespace bhroute::routing
