// A policy as a JSON object.

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <nlohmann/json.hpp>

#include "bhroute/core/file_format.h"
#include "policy_fields.h"

namespace bhroute::routing {
namespace {

using nlohmann::json;

// JSON has no infinities: a critical value that every number, or none, is above.
constexpr const char* kAlways = "always";
constexpr const char* kNever = "never";
constexpr double kInfinity = std::numeric_limits<double>::infinity();

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

/// Reads a JSON value into a field of a policy.
struct Reader {
  const json& value;
  const std::string& where;

  Result<void> operator()(std::monostate) const { return {}; }
  Result<void> operator()(double* place) const { return store(place, value.is_number()); }
  Result<void> operator()(std::size_t* place) const {
    return store(place, value.is_number_unsigned());
  }
  Result<void> operator()(bool* place) const { return store(place, value.is_boolean()); }
  Result<void> operator()(std::string* place) const { return store(place, value.is_string()); }
  Result<void> operator()(WeightRule* place) const {
    if (!value.is_string()) return wrong_type(where, value, std::string(kind_of(place)));
    return parse_weight_rule(value.get_ref<const std::string&>(), where).map([&](WeightRule rule) {
      *place = rule;
    });
  }
  Result<void> operator()(calibration::Statistic* place) const {
    if (!value.is_string()) return wrong_type(where, value, std::string(kind_of(place)));
    return parse_statistic_of(value.get_ref<const std::string&>(), where)
        .map([&](calibration::Statistic kind) { *place = kind; });
  }
  Result<void> operator()(std::vector<double>* place) const {
    const auto fits = [](const json& v) { return v.is_number() || v == kAlways || v == kNever; };
    if (!all_are(fits)) return wrong_type(where, value, std::string(kind_of(place)));
    place->clear();
    for (const json& v : value)
      place->push_back(v == kAlways ? -kInfinity : v == kNever ? kInfinity : v.get<double>());
    return {};
  }
  Result<void> operator()(std::vector<std::size_t>* place) const {
    return store(place, all_are([](const json& v) { return v.is_number_unsigned(); }));
  }

 private:
  template <class Test>
  bool all_are(Test test) const {
    return value.is_array() && std::all_of(value.begin(), value.end(), test);
  }
  template <class T>
  Result<void> store(T* place, bool fits) const {
    if (!fits) return wrong_type(where, value, std::string(kind_of(place)));
    value.get_to(*place);
    return {};
  }
};

Result<void> read_field(PolicySpec& spec, const std::string& key, const json& value,
                        std::string_view where) {
  const PolicyField field = policy_field(spec, key);
  if (field.index() == 0) return unknown_key(key, spec.rule, where);
  const std::string place = at(where, key);
  return std::visit(Reader{value, place}, field);
}

Result<void> read_layer(PolicySpec& spec, int layer, const json& object, std::string_view where) {
  if (!object.is_object()) return wrong_type(std::string(where), object, "an object of keys");
  PolicySpec copy = spec;
  for (const auto& [key, value] : object.items()) {
    if (auto ok = read_field(copy, key, value, where); !ok) return ok;
    spec.layers[layer][key] = *get_parameter(copy, key);
  }
  return {};
}

Result<void> read_layers(PolicySpec& spec, const json& object, std::string_view where) {
  if (!object.is_object()) return wrong_type(std::string(where), object, "an object of layers");
  for (const auto& [name, value] : object.items()) {
    int layer = 0;
    const char* end = name.data() + name.size();
    const auto [stop, error] = std::from_chars(name.data(), end, layer);
    if (error != std::errc() || stop != end)
      return invalid_input(std::string(where), "not a layer's index", name, "an integer >= 0");
    if (auto ok = read_layer(spec, layer, value, at(where, name)); !ok) return ok;
  }
  return {};
}

struct Writer {
  json operator()(WeightRule rule) const { return to_string(rule); }
  json operator()(calibration::Statistic kind) const { return calibration::to_string(kind); }
  json operator()(const std::vector<double>& list) const {
    json written = json::array();
    for (double x : list)
      written.push_back(x == kInfinity ? json(kNever) : x == -kInfinity ? json(kAlways) : json(x));
    return written;
  }
  template <class T>
  json operator()(const T& value) const {
    return value;
  }
};

Result<Rule> read_rule(const json& object, std::string_view where) {
  const auto rule = object.find("rule");
  if (rule == object.end())
    return invalid_input(at(where, "rule"), "missing", "", "bh, top_k, ...");
  if (!rule->is_string()) return wrong_type(at(where, "rule"), *rule, "a rule's name");
  return parse_rule(rule->get_ref<const std::string&>(), at(where, "rule"));
}

}  // namespace

Result<PolicySpec> policy_from_json(const json& object, std::string_view where) {
  if (!object.is_object()) return wrong_type(std::string(where), object, "an object");
  if (auto ok = check_format_version(object, kPolicyFormat, where); !ok)
    return tl::make_unexpected(ok.error());
  const auto rule = read_rule(object, where);
  if (!rule) return tl::make_unexpected(rule.error());
  PolicySpec spec;
  spec.rule = *rule;
  for (const auto& [key, value] : object.items()) {
    if (key == "rule" || key == kFormatVersionKey) continue;
    auto ok = key == "layers" ? read_layers(spec, value, at(where, key))
                              : read_field(spec, key, value, where);
    if (!ok) return tl::make_unexpected(ok.error());
  }
  if (auto ok = validate(spec); !ok) {
    Error error = ok.error();
    error.where = at(where, error.where);
    return tl::make_unexpected(std::move(error));
  }
  return spec;
}

json to_json(const PolicySpec& spec) {
  json object = {{"rule", to_string(spec.rule)}};
  for (const std::string& key : policy_keys(spec.rule)) {
    json value = std::visit(Writer{}, *get_parameter(spec, key));
    if (key.starts_with("table") && value == "") continue;
    object[key] = std::move(value);
  }
  for (const auto& [layer, own] : spec.layers) {
    json& keys = object["layers"][std::to_string(layer)] = json::object();
    for (const auto& [key, value] : own) keys[key] = std::visit(Writer{}, value);
  }
  return object;
}

}  // namespace bhroute::routing
