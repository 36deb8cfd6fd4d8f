// A policy on the command line: the short form, or a file.

#include <fmt/format.h>

#include <charconv>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "bhroute/core/file.h"
#include "policy_fields.h"

namespace bhroute::routing {
namespace {

namespace fs = std::filesystem;
constexpr std::string_view kWhere = "policy";

/// The whole of `text` as a number, whatever the locale; "inf" and "nan" parse and fail validate().
template <class T>
Result<void> read_number(std::string_view key, std::string_view text, T& number,
                         std::string_view want) {
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error == std::errc() && rest == end) return {};
  return invalid_input(std::string(key), "not a number in range", std::string(text),
                       std::string(want));
}

Result<void> read_flag(std::string_view key, std::string_view text, bool& flag) {
  if (text != "true" && text != "false")
    return invalid_input(std::string(key), "not a truth value", std::string(text), "true or false");
  flag = text == "true";
  return {};
}

Result<void> read_value(PolicySpec& spec, std::string_view key, std::string_view value) {
  const PolicyField field = policy_field(spec, key);
  if (field.number) return read_number(key, value, *field.number, "a number");
  if (field.count) return read_number(key, value, *field.count, "an integer >= 0");
  if (field.flag) return read_flag(key, value, *field.flag);
  if (field.text) {
    *field.text = value;
    return {};
  }
  if (!field.weights) return unknown_key(key, spec.rule, kWhere);
  return parse_weight_rule(value, key).map([&](WeightRule rule) { *field.weights = rule; });
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

Result<PolicySpec> parse_file(const fs::path& path) {
  const auto content = read_file(path, std::size_t{1} << 20);
  if (!content) return tl::make_unexpected(content.error());
  const auto object = nlohmann::json::parse(*content, nullptr, false);
  if (object.is_discarded())
    return invalid_input(path.string(), "not JSON", "", "a policy as a JSON object");
  auto spec = policy_from_json(object, path.string());
  if (spec && !spec->table.empty() && fs::path(spec->table).is_relative())
    spec->table = (path.parent_path() / spec->table).lexically_normal().string();
  return spec;
}

bool names_a_file(std::string_view text) {
  std::error_code ignored;
  return text.ends_with(".json") || fs::is_regular_file(fs::path(text), ignored);
}

}  // namespace

Result<PolicySpec> parse_policy(std::string_view text) {
  const std::size_t colon = text.find(':');
  const std::string_view word = text.substr(0, colon);
  const auto rule = parse_rule(word, kWhere);
  // The rule first: "bh:table=x.json" is no file.
  if (!rule && names_a_file(text)) return parse_file(fs::path(text));
  if (!rule) return tl::make_unexpected(rule.error());
  return parse_short(*rule,
                     colon == std::string_view::npos ? std::string_view() : text.substr(colon + 1));
}

}  // namespace bhroute::routing
