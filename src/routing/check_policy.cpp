#include "check_policy.h"

#include <fmt/format.h>

#include <algorithm>

#include "bhroute/core/log.h"
#include "rule_procedure.h"

namespace bhroute::routing {
namespace {

constexpr std::size_t kMaxExperts = 4096;  // the kernels' bound

Result<void> check_facts(const PolicySpec& spec, const RouterFacts& facts) {
  const std::size_t n = facts.num_experts;
  if (n < 1 || n > kMaxExperts)
    return invalid_input("num_experts", "out of range", fmt::format("{}", n),
                         fmt::format("1 <= num_experts <= {}", kMaxExperts));
  if (spec.weights == WeightRule::mass && (facts.top_k < 1 || facts.top_k > n))
    return invalid_input("weights=mass", "the model's own top_k is out of range",
                         fmt::format("{}", facts.top_k), fmt::format("1 <= top_k <= {}", n));
  return {};
}

Result<void> check_groups(const calibration::CalibrationTable& table, std::size_t num_experts) {
  const std::size_t made_for = table.metadata.num_experts;
  if (made_for != 0 && made_for != num_experts)
    return invalid_input("table", "made for another number of experts", fmt::format("{}", made_for),
                         fmt::format("{}", num_experts));
  for (const auto& [layer, null] : table.layers) {
    if (null.groups.size() == 1 || null.groups.size() == num_experts) continue;
    return invalid_input(fmt::format("table layer {}", layer), "wrong number of nulls",
                         fmt::format("{}", null.groups.size()),
                         fmt::format("1 or {}", num_experts));
  }
  return {};
}

/// A conformal table must be able to pass rank 1, at c_1 or, where the procedure finds c_1 from the
/// p-values, at BH's. Higher criticism has no level.
Result<void> check_first_rank(const PolicySpec& spec, std::size_t num_experts,
                              const calibration::CalibrationTable& table) {
  const auto& keys = policy_keys(spec.rule);
  if (std::find(keys.begin(), keys.end(), "alpha") == keys.end()) return {};
  const auto test = stats::step_test(procedure_of(spec), num_experts);
  const auto n = static_cast<double>(num_experts);
  const bool plain = !test || spec.rule == Rule::bh;
  return calibration::check_resolution(table, num_experts,
                                       plain ? spec.alpha : test->critical_values.front() * n);
}

void warn_of_temperature(double temperature) {
  if (temperature >= 0.5 && temperature <= 2.0) return;
  log_warning_once(
      fmt::format("temperature {}", temperature),
      fmt::format(
          "temperature: {} is outside [0.5, 2], the weights will be far from what the model "
          "was trained with",
          temperature));
}

}  // namespace

Result<void> check_policy(const PolicySpec& spec, const RouterFacts& facts,
                          const calibration::CalibrationTable* table) {
  if (auto ok = check_facts(spec, facts); !ok) return ok;
  if (auto ok = validate(spec, facts.num_experts); !ok) return ok;
  warn_of_temperature(spec.temperature);
  if (!uses_p_values(spec.rule) || table == nullptr) return {};
  if (auto ok = check_groups(*table, facts.num_experts); !ok) return ok;
  if (auto ok = check_first_rank(spec, facts.num_experts, *table); !ok) return ok;
  for (const auto& [layer, own] : spec.layers)
    if (auto ok = check_first_rank(spec.for_layer(layer), facts.num_experts, *table); !ok)
      return ok;
  return {};
}

}  // namespace bhroute::routing
