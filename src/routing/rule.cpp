#include "bhroute/routing/rule.h"

#include <array>
#include <utility>

#include "bhroute/core/did_you_mean.h"

namespace bhroute::routing {
namespace {

constexpr std::pair<Rule, std::string_view> kNames[] = {
    {Rule::bh, "bh"},
    {Rule::by, "by"},
    {Rule::storey, "storey"},
    {Rule::bky, "bky"},
    {Rule::bonferroni, "bonferroni"},
    {Rule::holm, "holm"},
    {Rule::hochberg, "hochberg"},
    {Rule::fixed, "fixed"},
    {Rule::e_bh, "e_bh"},
    {Rule::hc, "hc"},
    {Rule::hc_plus, "hc_plus"},
    {Rule::hc_star, "hc_star"},
    {Rule::top_k, "top_k"},
    {Rule::top_k_per_layer, "top_k_per_layer"},
    {Rule::ser, "ser"},
    {Rule::top_p, "top_p"},
    {Rule::min_p, "min_p"},
    {Rule::prob_threshold, "prob_threshold"},
    {Rule::entropy, "entropy"},
    {Rule::skip_ratio, "skip_ratio"},
    {Rule::rank_signal, "rank_signal"},
    {Rule::critical, "critical"},
};

}  // namespace

const std::vector<Rule>& all_rules() {
  static const std::vector<Rule> rules = [] {
    std::vector<Rule> list;
    for (const auto& [rule, name] : kNames) list.push_back(rule);
    return list;
  }();
  return rules;
}

std::string_view to_string(Rule rule) noexcept {
  for (const auto& [known, name] : kNames)
    if (rule == known) return name;
  return "bh";
}

Result<Rule> parse_rule(std::string_view text, std::string_view where) {
  std::vector<std::string> names;
  for (const auto& [rule, name] : kNames) {
    if (text == name) return rule;
    names.emplace_back(name);
  }
  return invalid_input(std::string(where), "unknown rule", std::string(text),
                       suggestion(text, names));
}

bool uses_p_values(Rule rule) noexcept { return rule < Rule::top_k; }

bool is_static(Rule rule) noexcept { return rule == Rule::top_k || rule == Rule::top_k_per_layer; }

}  // namespace bhroute::routing
