#include "bhroute/routing/policy_spec.h"

#include <fmt/format.h>

#include <algorithm>

#include "bhroute/core/sha256.h"
#include "policy_bounds.h"
#include "policy_fields.h"

namespace bhroute::routing {
namespace {

/// The error of one layer says which: "layers.3.alpha".
Result<void> of_layer(int layer, Result<void> checked) {
  if (!checked) checked.error().where = fmt::format("layers.{}.{}", layer, checked.error().where);
  return checked;
}

Result<void> check_keys(const PolicySpec& spec, const LayerParameters& own) {
  PolicySpec copy = spec;
  for (const auto& [key, value] : own) {
    if (!may_differ_by_layer(key) || spec.rule == Rule::top_k_per_layer)
      return invalid_input(key, "cannot differ from layer to layer");
    if (auto ok = set_parameter(copy, key, value); !ok) return ok;
  }
  return {};
}

}  // namespace

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

PolicySpec PolicySpec::for_layer(int layer) const {
  PolicySpec own = *this;
  own.layers.clear();
  if (const auto found = layers.find(layer); found != layers.end())
    for (const auto& [key, value] : found->second) (void)set_parameter(own, key, value);
  if (rule != Rule::top_k_per_layer) return own;
  const auto index = static_cast<std::size_t>(layer);
  own.rule = Rule::top_k;
  own.k = layer >= 0 && index < ks.size() ? ks[index] : 0;
  own.ks.clear();
  return own;
}

CountBounds PolicySpec::bounds() const noexcept {
  if (rule == Rule::top_k) return {k, k};
  if (rule != Rule::top_k_per_layer) return {min_k, max_k};
  if (ks.empty()) return {};
  const auto [low, high] = std::minmax_element(ks.begin(), ks.end());
  return {*low, *high};
}

std::size_t PolicySpec::largest_k() const {
  std::size_t largest = bounds().max_k;
  for (const auto& [layer, own] : layers)
    largest = std::max(largest, for_layer(layer).bounds().max_k);
  return largest;
}

Result<void> validate(const PolicySpec& spec, std::size_t num_experts) {
  if (auto ok = check_bounds(spec, num_experts); !ok) return ok;
  for (const auto& [layer, own] : spec.layers) {
    if (layer < 0)
      return invalid_input("layers", "not a layer", fmt::format("{}", layer), "an index >= 0");
    if (auto ok = of_layer(layer, check_keys(spec, own)); !ok) return ok;
    if (auto ok = of_layer(layer, check_bounds(spec.for_layer(layer), num_experts)); !ok) return ok;
  }
  return {};
}

Result<void> check_table_hash(const PolicySpec& spec, const std::string& path) {
  if (spec.table_sha256.empty()) return {};
  const auto found = sha256_file(path);
  if (!found) return tl::make_unexpected(found.error());
  if (*found == spec.table_sha256) return {};
  return invalid_input(path, "not the table that the policy was made with (SHA-256)", *found,
                       spec.table_sha256);
}

}  // namespace bhroute::routing
