#include "policy_fields.h"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>

#include "bhroute/core/did_you_mean.h"

namespace bhroute::routing {
namespace {

using Keys = std::vector<std::string>;

/// A rule's own keys.
Keys own_keys(Rule rule) {
  switch (rule) {
    case Rule::storey:
      return {"alpha", "lambda"};
    case Rule::e_bh:
      return {"alpha", "kappa"};
    case Rule::hc:
    case Rule::hc_plus:
      return {};
    case Rule::hc_star:
    case Rule::skip_ratio:
      return {"beta"};
    case Rule::top_k:
      return {"k"};
    case Rule::top_k_per_layer:
      return {"ks"};
    case Rule::ser:
      return {"t"};
    case Rule::top_p:
      return {"p"};
    case Rule::min_p:
      return {"m"};
    case Rule::prob_threshold:
      return {"level"};
    case Rule::entropy:
      return {"edges", "counts"};
    case Rule::rank_signal:
      return {"rank", "k0", "gain", "mean", "sd", "dither"};
    case Rule::critical:
      return {"statistic", "criticals"};
    default:
      return {"alpha"};
  }
}

Keys make_keys(Rule rule) {
  Keys keys = own_keys(rule);
  const auto add = [&](std::initializer_list<const char*> more) {
    keys.insert(keys.end(), more.begin(), more.end());
  };
  if (!is_static(rule)) add({"min_k", "max_k"});
  add({"weights", "temperature"});
  if (uses_p_values(rule)) add({"clamp_p_values", "table_sha256", "table"});
  return keys;
}

struct NamedField {
  std::string_view key;
  PolicyField (*of)(PolicySpec&);
};

constexpr NamedField kFields[] = {
    {"alpha", [](PolicySpec& s) { return PolicyField(&s.alpha); }},
    {"lambda", [](PolicySpec& s) { return PolicyField(&s.lambda); }},
    {"kappa", [](PolicySpec& s) { return PolicyField(&s.kappa); }},
    {"beta", [](PolicySpec& s) { return PolicyField(&s.beta); }},
    {"k", [](PolicySpec& s) { return PolicyField(&s.k); }},
    {"ks", [](PolicySpec& s) { return PolicyField(&s.ks); }},
    {"t", [](PolicySpec& s) { return PolicyField(&s.t); }},
    {"p", [](PolicySpec& s) { return PolicyField(&s.p); }},
    {"m", [](PolicySpec& s) { return PolicyField(&s.m); }},
    {"level", [](PolicySpec& s) { return PolicyField(&s.level); }},
    {"edges", [](PolicySpec& s) { return PolicyField(&s.edges); }},
    {"counts", [](PolicySpec& s) { return PolicyField(&s.counts); }},
    {"rank", [](PolicySpec& s) { return PolicyField(&s.rank); }},
    {"k0", [](PolicySpec& s) { return PolicyField(&s.k0); }},
    {"gain", [](PolicySpec& s) { return PolicyField(&s.gain); }},
    {"mean", [](PolicySpec& s) { return PolicyField(&s.mean); }},
    {"sd", [](PolicySpec& s) { return PolicyField(&s.sd); }},
    {"dither", [](PolicySpec& s) { return PolicyField(&s.dither); }},
    {"statistic", [](PolicySpec& s) { return PolicyField(&s.statistic); }},
    {"criticals", [](PolicySpec& s) { return PolicyField(&s.criticals); }},
    {"min_k", [](PolicySpec& s) { return PolicyField(&s.min_k); }},
    {"max_k", [](PolicySpec& s) { return PolicyField(&s.max_k); }},
    {"weights", [](PolicySpec& s) { return PolicyField(&s.weights); }},
    {"temperature", [](PolicySpec& s) { return PolicyField(&s.temperature); }},
    {"clamp_p_values", [](PolicySpec& s) { return PolicyField(&s.clamp_p_values); }},
    {"table_sha256", [](PolicySpec& s) { return PolicyField(&s.table_sha256); }},
    {"table", [](PolicySpec& s) { return PolicyField(&s.table); }},
};

struct Store {
  const ParameterValue& value;
  bool operator()(std::monostate) const { return false; }
  template <class T>
  bool operator()(T* place) const {
    const T* given = std::get_if<T>(&value);
    if (given != nullptr) *place = *given;
    return given != nullptr;
  }
};

struct Load {
  ParameterValue operator()(std::monostate) const { return 0.0; }
  template <class T>
  ParameterValue operator()(T* place) const {
    return *place;
  }
};

}  // namespace

const std::vector<std::string>& policy_keys(Rule rule) {
  static const std::vector<Keys> keys = [] {
    std::vector<Keys> all;
    for (Rule each : all_rules()) all.push_back(make_keys(each));
    return all;
  }();
  return keys[static_cast<std::size_t>(rule)];
}

Result<WeightRule> parse_weight_rule(std::string_view text, std::string_view where) {
  for (WeightRule rule : {WeightRule::native, WeightRule::renormalized, WeightRule::mass})
    if (text == to_string(rule)) return rule;
  return invalid_input(std::string(where), "unknown weight rule", std::string(text),
                       suggestion(text, {"native", "renormalized", "mass"}));
}

Result<calibration::Statistic> parse_statistic_of(std::string_view text, std::string_view where) {
  using calibration::Statistic;
  for (Statistic kind : {Statistic::logit, Statistic::log_prob, Statistic::standardized})
    if (text == calibration::to_string(kind)) return kind;
  return invalid_input(std::string(where), "unknown statistic", std::string(text),
                       suggestion(text, {"logit", "log_prob", "standardized"}));
}

tl::unexpected<Error> unknown_key(std::string_view key, Rule rule, std::string_view where) {
  Keys known = policy_keys(rule);
  known.emplace_back("layers");
  return invalid_input(std::string(where), fmt::format("unknown key of {}", to_string(rule)),
                       std::string(key), suggestion(key, known));
}

PolicyField policy_field(PolicySpec& spec, std::string_view key) {
  const auto& keys = policy_keys(spec.rule);
  if (std::find(keys.begin(), keys.end(), key) == keys.end()) return {};
  const auto* field = std::find_if(std::begin(kFields), std::end(kFields),
                                   [&](const NamedField& one) { return one.key == key; });
  return field->of(spec);
}

bool may_differ_by_layer(std::string_view key) noexcept { return !key.starts_with("table"); }

std::string_view kind_of(const PolicyField& field) noexcept {
  constexpr std::string_view kinds[] = {"nothing",
                                        "a number",
                                        "an integer >= 0",
                                        "true or false",
                                        "native, renormalized or mass",
                                        "a text",
                                        "a list of numbers",
                                        "a list of integers >= 0",
                                        "logit, log_prob or standardized"};
  return kinds[field.index()];
}

Result<ParameterValue> get_parameter(const PolicySpec& spec, std::string_view key) {
  PolicySpec copy = spec;
  const PolicyField field = policy_field(copy, key);
  if (field.index() == 0) return unknown_key(key, spec.rule, "policy");
  return std::visit(Load{}, field);
}

Result<void> set_parameter(PolicySpec& spec, std::string_view key, const ParameterValue& value) {
  const PolicyField field = policy_field(spec, key);
  if (field.index() == 0) return unknown_key(key, spec.rule, "policy");
  if (std::visit(Store{value}, field)) return {};
  return invalid_input(std::string(key), "wrong type", "", std::string(kind_of(field)));
}

}  // namespace bhroute::routing
