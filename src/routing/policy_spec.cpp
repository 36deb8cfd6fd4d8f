#include "bhroute/routing/policy_spec.h"

#include <fmt/format.h>

#include <cmath>

namespace bhroute::routing {
namespace {

Result<void> check_count(std::string_view key, std::size_t value, std::size_t low,
                         std::string_view low_name, std::size_t num_experts) {
  const bool fits = value >= low && (num_experts == 0 || value <= num_experts);
  if (fits) return {};
  const std::string high = num_experts == 0 ? "" : fmt::format(" <= {} experts", num_experts);
  return invalid_input(std::string(key), "out of range", fmt::format("{}", value),
                       fmt::format("{} <= {}{}", low_name, key, high));
}

Result<void> check_bh(const PolicySpec& spec, std::size_t num_experts) {
  if (!(spec.alpha > 0.0 && spec.alpha < 1.0))
    return invalid_input("alpha", "out of range", fmt::format("{}", spec.alpha), "0 < alpha < 1");
  if (spec.min_k < 1)
    return invalid_input("min_k", "out of range", fmt::format("{}", spec.min_k),
                         "1 <= min_k <= max_k");
  return check_count("max_k", spec.max_k, spec.min_k, fmt::format("min_k {}", spec.min_k),
                     num_experts);
}

}  // namespace

std::string_view to_string(Rule rule) noexcept { return rule == Rule::bh ? "bh" : "top_k"; }

std::string_view to_string(WeightRule rule) noexcept {
  switch (rule) {
    case WeightRule::native:
      return "native";
    case WeightRule::renormalized:
      return "renormalized";
    case WeightRule::mass:
      return "mass";
  }
  return "native";
}

Result<void> validate(const PolicySpec& spec, std::size_t num_experts) {
  if (!(spec.temperature > 0.0 && std::isfinite(spec.temperature)))
    return invalid_input("temperature", "out of range", fmt::format("{}", spec.temperature),
                         "a finite number > 0");
  if (spec.rule == Rule::bh) return check_bh(spec, num_experts);
  return check_count("k", spec.k, 1, "1", num_experts);
}

std::string to_string(const PolicySpec& spec) {
  std::string text = spec.rule == Rule::bh ? fmt::format("bh:alpha={},min_k={},max_k={}",
                                                         spec.alpha, spec.min_k, spec.max_k)
                                           : fmt::format("top_k:k={}", spec.k);
  text += fmt::format(",weights={}", to_string(spec.weights));
  if (spec.temperature != 1.0) text += fmt::format(",temperature={}", spec.temperature);
  if (spec.rule == Rule::top_k) return text;
  if (spec.clamp_p_values) text += ",clamp_p_values=true";
  if (!spec.table.empty()) text += ",table=" + spec.table;  // last: a path may hold commas
  return text;
}

}  // namespace bhroute::routing
