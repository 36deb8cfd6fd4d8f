// A policy as a JSON object.

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "policy_fields.h"

namespace bhroute::routing {
namespace {

using nlohmann::json;

std::string at(std::string_view where, std::string_view key) {
  return fmt::format("{}.{}", where, key);
}

/// The value as it stands, shortened: it goes into an error message.
std::string shown(const json& value) {
  // Nested values may be deeper than the stack is.
  if (value.is_structured()) return value.type_name();
  std::string text = value.dump(-1, ' ', true, json::error_handler_t::replace);
  if (text.size() > 60) text = text.substr(0, 57) + "...";
  return text;
}

tl::unexpected<Error> wrong_type(const std::string& where, const json& value, std::string want) {
  return invalid_input(where, "wrong type", shown(value), std::move(want));
}

Result<void> read_count(const json& value, const std::string& where, std::size_t& count) {
  if (!value.is_number_unsigned()) return wrong_type(where, value, "an integer >= 0");
  count = value.get<std::size_t>();
  return {};
}

Result<void> read_weights(const json& value, const std::string& where, WeightRule& weights) {
  if (!value.is_string()) return wrong_type(where, value, "native, renormalized or mass");
  const auto rule = parse_weight_rule(value.get_ref<const std::string&>(), where);
  if (!rule) return tl::make_unexpected(rule.error());
  weights = *rule;
  return {};
}

Result<void> read_field(const PolicyField& field, const json& value, const std::string& where) {
  if (field.count != nullptr) return read_count(value, where, *field.count);
  if (field.weights != nullptr) return read_weights(value, where, *field.weights);
  if (field.number != nullptr) {
    if (!value.is_number()) return wrong_type(where, value, "a number");
    *field.number = value.get<double>();
  } else if (field.flag != nullptr) {
    if (!value.is_boolean()) return wrong_type(where, value, "true or false");
    *field.flag = value.get<bool>();
  } else {
    if (!value.is_string()) return wrong_type(where, value, "a path");
    *field.text = value.get<std::string>();
  }
  return {};
}

Result<Rule> read_rule(const json& object, std::string_view where) {
  const auto rule = object.find("rule");
  if (rule == object.end()) return invalid_input(at(where, "rule"), "missing", "", "bh or top_k");
  if (!rule->is_string()) return wrong_type(at(where, "rule"), *rule, "bh or top_k");
  return parse_rule(rule->get_ref<const std::string&>(), at(where, "rule"));
}

}  // namespace

Result<PolicySpec> policy_from_json(const json& object, std::string_view where) {
  if (!object.is_object()) return wrong_type(std::string(where), object, "an object");
  const auto rule = read_rule(object, where);
  if (!rule) return tl::make_unexpected(rule.error());
  PolicySpec spec;
  spec.rule = *rule;
  for (const auto& [key, value] : object.items()) {
    if (key == "rule") continue;
    const PolicyField field = policy_field(spec, key);
    const bool known = field.number || field.count || field.flag || field.text || field.weights;
    if (!known) return unknown_key(key, spec.rule, where);
    if (auto ok = read_field(field, value, at(where, key)); !ok)
      return tl::make_unexpected(ok.error());
  }
  if (auto ok = validate(spec); !ok) {
    Error error = ok.error();
    error.where = at(where, error.where);
    return tl::make_unexpected(std::move(error));
  }
  return spec;
}

json to_json(const PolicySpec& spec) {
  json object = {{"rule", to_string(spec.rule)},
                 {"weights", to_string(spec.weights)},
                 {"temperature", spec.temperature}};
  if (spec.rule == Rule::top_k) {
    object["k"] = spec.k;
    return object;
  }
  object["alpha"] = spec.alpha;
  object["min_k"] = spec.min_k;
  object["max_k"] = spec.max_k;
  object["clamp_p_values"] = spec.clamp_p_values;
  if (!spec.table.empty()) object["table"] = spec.table;
  return object;
}

}  // namespace bhroute::routing
