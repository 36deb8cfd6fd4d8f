#include "policy_fields.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "bhroute/core/did_you_mean.h"

namespace bhroute::routing {
namespace {

/// "did you mean X?" or the list of what there is.
std::string expected(std::string_view word, const std::vector<std::string>& known) {
  const std::string near = did_you_mean(word, known);
  return near.empty() ? fmt::format("one of {}", fmt::join(known, ", "))
                      : fmt::format("did you mean {}?", near);
}

}  // namespace

const std::vector<std::string>& policy_keys(Rule rule) {
  static const std::vector<std::string> bh = {"alpha",       "min_k",          "max_k", "weights",
                                              "temperature", "clamp_p_values", "table"};
  static const std::vector<std::string> top_k = {"k", "weights", "temperature"};
  return rule == Rule::bh ? bh : top_k;
}

Result<Rule> parse_rule(std::string_view text, std::string_view where) {
  for (Rule rule : {Rule::bh, Rule::top_k})
    if (text == to_string(rule)) return rule;
  return invalid_input(std::string(where), "unknown rule", std::string(text),
                       expected(text, {"bh", "top_k"}));
}

Result<WeightRule> parse_weight_rule(std::string_view text, std::string_view where) {
  for (WeightRule rule : {WeightRule::native, WeightRule::renormalized, WeightRule::mass})
    if (text == to_string(rule)) return rule;
  return invalid_input(std::string(where), "unknown weight rule", std::string(text),
                       expected(text, {"native", "renormalized", "mass"}));
}

tl::unexpected<Error> unknown_key(std::string_view key, Rule rule, std::string_view where) {
  return invalid_input(std::string(where), fmt::format("unknown key of {}", to_string(rule)),
                       std::string(key), expected(key, policy_keys(rule)));
}

PolicyField policy_field(PolicySpec& spec, std::string_view key) {
  const auto& keys = policy_keys(spec.rule);
  if (std::find(keys.begin(), keys.end(), key) == keys.end()) return {};
  if (key == "alpha") return {.number = &spec.alpha};
  if (key == "temperature") return {.number = &spec.temperature};
  if (key == "min_k") return {.count = &spec.min_k};
  if (key == "max_k") return {.count = &spec.max_k};
  if (key == "k") return {.count = &spec.k};
  if (key == "clamp_p_values") return {.flag = &spec.clamp_p_values};
  if (key == "table") return {.text = &spec.table};
  return {.weights = &spec.weights};
}

}  // namespace bhroute::routing
