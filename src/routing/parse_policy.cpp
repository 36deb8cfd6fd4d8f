// A policy on the command line: the short form, or a file.

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "bhroute/core/file_limits.h"
#include "bhroute/core/json.h"
#include "policy_text.h"

namespace bhroute::routing {
namespace {

namespace fs = std::filesystem;
constexpr std::string_view kWhere = "policy";
constexpr std::string_view kLayers = "layers.";

/// "layers.3.alpha": the value goes to layer 3.
Result<void> read_layer_value(PolicySpec& spec, std::string_view key, std::string_view value) {
  const std::string_view rest = key.substr(kLayers.size());
  const std::size_t dot = rest.find('.');
  int layer = 0;
  const char* end = rest.data() + std::min(dot, rest.size());
  const auto [stop, error] = std::from_chars(rest.data(), end, layer);
  if (dot == std::string_view::npos || error != std::errc() || stop != end)
    return invalid_input(std::string(key), "not a layer's key", "", "layers.INDEX.KEY");
  const std::string_view own = rest.substr(dot + 1);
  PolicySpec copy = spec;
  const PolicyField field = policy_field(copy, own);
  if (field.index() == 0) return unknown_key(own, spec.rule, key);
  if (auto ok = read_text(key, value, field); !ok) return ok;
  spec.layers[layer][std::string(own)] = *get_parameter(copy, own);
  return {};
}

Result<void> read_value(PolicySpec& spec, std::string_view key, std::string_view value) {
  if (key.starts_with(kLayers)) return read_layer_value(spec, key, value);
  const PolicyField field = policy_field(spec, key);
  if (field.index() == 0) return unknown_key(key, spec.rule, kWhere);
  return read_text(key, value, field);
}

/// Cuts the next "key=value" off `rest`. A path takes all that follows, commas too.
Result<std::pair<std::string_view, std::string_view>> next_pair(std::string_view& rest) {
  const std::size_t equals = rest.find('=');
  const std::size_t comma = rest.find(',');
  if (equals == std::string_view::npos || comma < equals)
    return invalid_input(std::string(kWhere), "no value", std::string(rest.substr(0, comma)),
                         "key=value");
  const std::string_view key = rest.substr(0, equals);
  const std::size_t end = key == "table" ? std::string_view::npos : comma;
  const std::string_view value =
      rest.substr(equals + 1, end == std::string_view::npos ? end : end - equals - 1);
  rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
  return std::pair(key, value);
}

Result<PolicySpec> parse_short(Rule rule, std::string_view rest) {
  PolicySpec spec;
  spec.rule = rule;
  std::set<std::string_view> seen;
  while (!rest.empty()) {
    const auto pair = next_pair(rest);
    if (!pair) return tl::make_unexpected(pair.error());
    const auto [key, value] = *pair;
    if (!seen.insert(key).second)
      return invalid_input(std::string(key), "given twice", std::string(value), "one value");
    if (auto ok = read_value(spec, key, value); !ok) return tl::make_unexpected(ok.error());
  }
  if (auto ok = validate(spec); !ok) return tl::make_unexpected(ok.error());
  return spec;
}

bool names_a_file(std::string_view text) {
  std::error_code ignored;
  return text.ends_with(".json") || fs::exists(fs::path(text), ignored);
}

bool always_shown(std::string_view key) {
  return key != "temperature" && key != "clamp_p_values" && key != "dither" &&
         !key.starts_with("table");
}

ParameterValue default_of(Rule rule, std::string_view key) {
  PolicySpec spec;
  spec.rule = rule;
  return *get_parameter(spec, key);
}

}  // namespace

void resolve_table(PolicySpec& spec, const fs::path& folder) {
  if (!spec.table.empty() && fs::path(spec.table).is_relative())
    spec.table = (folder / spec.table).lexically_normal().string();
}

Result<PolicySpec> read_policy(const fs::path& path) {
  const auto object = read_json(path, kMaxPolicyBytes);
  if (!object) return tl::make_unexpected(object.error());
  auto spec = policy_from_json(*object, path.string());
  if (spec) resolve_table(*spec, path.parent_path());
  return spec;
}

Result<PolicySpec> parse_policy(std::string_view text) {
  const std::size_t colon = text.find(':');
  const std::string_view word = text.substr(0, colon);
  const auto rule = parse_rule(word, kWhere);
  // The rule first: "bh:table=x.json" is no file.
  if (!rule && names_a_file(text)) return read_policy(text);
  if (!rule) return tl::make_unexpected(rule.error());
  return parse_short(*rule,
                     colon == std::string_view::npos ? std::string_view() : text.substr(colon + 1));
}

std::string to_string(const PolicySpec& spec) {
  std::string text, last;
  const auto add = [&](std::string& to, std::string_view key, const ParameterValue& value) {
    to += fmt::format("{}{}={}", text.empty() ? ":" : ",", key, value_text(value));
  };
  for (const std::string& key : policy_keys(spec.rule)) {
    const ParameterValue value = *get_parameter(spec, key);
    if (!always_shown(key) && value == default_of(spec.rule, key)) continue;
    add(key == "table" ? last : text, key, value);
  }
  for (const auto& [layer, own] : spec.layers)
    for (const auto& [key, value] : own) add(text, fmt::format("layers.{}.{}", layer, key), value);
  return fmt::format("{}{}{}", to_string(spec.rule), text, last);  // a path may hold commas
}

}  // namespace bhroute::routing
