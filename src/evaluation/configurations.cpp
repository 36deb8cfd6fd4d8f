#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <set>

#include "bhroute/core/file.h"
#include "bhroute/core/file_format.h"
#include "bhroute/core/file_limits.h"
#include "bhroute/core/json.h"
#include "bhroute/evaluation/sweep.h"

namespace bhroute::evaluation {
namespace {

using nlohmann::json;
using routing::PolicySpec;
using routing::Rule;
using routing::WeightRule;

constexpr std::array<double, 4> kAlphas{0.01, 0.05, 0.10, 0.20};
constexpr std::array<std::size_t, 5> kMaxKs{4, 8, 16, 32, 64};
constexpr std::array<std::size_t, 9> kStaticKs{1, 2, 3, 4, 5, 6, 7, 12, 16};
constexpr std::size_t kMarkedMaxK = 16;

PolicySpec bh(double alpha, std::size_t max_k, WeightRule weights) {
  PolicySpec spec;
  spec.alpha = alpha;
  spec.max_k = max_k;
  spec.weights = weights;
  return spec;
}

PolicySpec top_k(std::size_t k) {
  PolicySpec spec;
  spec.rule = Rule::top_k;
  spec.k = k;
  return spec;
}

Configuration marked(double alpha, std::string marking, std::string null, WeightRule weights) {
  auto name = fmt::format("bh alpha={} max_k={} {}", alpha, kMarkedMaxK, marking);
  return {std::move(name), "reference", std::move(marking), std::move(null),
          bh(alpha, kMarkedMaxK, weights)};
}

json to_json(const Configuration& configuration) {
  return {{"name", configuration.name},
          {"role", configuration.role},
          {"marking", configuration.marking},
          {"null", configuration.null},
          {"policy", routing::to_json(configuration.policy)},
          {"plain_override", configuration.plain_override},
          {"tasks", configuration.tasks}};
}

// Reads one entry of a user's list; the first problem ends it.
class Entry {
 public:
  Entry(const json& object, std::string where, std::filesystem::path folder)
      : object_(object), where_(std::move(where)), folder_(std::move(folder)) {}

  Result<Configuration> read() {
    if (!object_.is_object()) return wrong("is not an object", object_.type_name(), "an object");
    if (auto known = check_keys(); !known) return tl::make_unexpected(known.error());
    Configuration configuration;
    if (auto policy = read_policy(configuration); !policy)
      return tl::make_unexpected(policy.error());
    if (auto texts = read_texts(configuration); !texts) return tl::make_unexpected(texts.error());
    if (auto flags = read_flags(configuration); !flags) return tl::make_unexpected(flags.error());
    return configuration;
  }

 private:
  tl::unexpected<Error> wrong(std::string what, std::string got = "", std::string want = "") const {
    return invalid_input(where_, std::move(what), std::move(got), std::move(want));
  }

  Result<void> check_keys() const {
    static const std::set<std::string> known{"name",   "role",           "marking", "null",
                                             "policy", "plain_override", "tasks"};
    for (const auto& [key, value] : object_.items())
      if (!known.contains(key))
        return wrong("unknown key", fmt::format("'{}'", key),
                     "name, role, marking, null, policy, plain_override or tasks");
    return {};
  }

  Result<void> read_policy(Configuration& configuration) const {
    if (!object_.contains("policy")) return wrong("the key 'policy' is missing");
    const json& value = object_["policy"];
    const bool is_file = value.is_string() && names_a_file(value.get<std::string>());
    auto policy = value.is_string() ? routing::parse_policy(in_folder(value.get<std::string>()))
                                    : routing::policy_from_json(value, where_ + ": policy");
    if (!policy) return tl::make_unexpected(in_list(std::move(policy).error()));
    // A file's own table is relative to that file, and parse_policy has seen to it.
    if (!is_file) routing::resolve_table(*policy, folder_);
    configuration.policy = std::move(*policy);
    return {};
  }

  // The short form of a policy names its key alone.
  Error in_list(Error error) const {
    if (!error.where.starts_with(where_)) error.where = where_ + ": policy: " + error.where;
    return error;
  }

  // Only a file's path can end so; the short form of a policy stays as it is.
  static bool names_a_file(const std::string& policy) { return policy.ends_with(".json"); }
  std::string in_folder(const std::string& policy) const {
    return names_a_file(policy) ? (folder_ / policy).string() : policy;
  }

  Result<std::string> text(const char* key, std::string absent) const {
    if (!object_.contains(key)) return absent;
    const json& value = object_[key];
    if (!value.is_string())
      return wrong(fmt::format("the key '{}' has the wrong type", key), value.type_name(),
                   "a string");
    return value.get<std::string>();
  }

  Result<void> read_texts(Configuration& configuration) const {
    const bool tests = routing::uses_p_values(configuration.policy.rule);
    const std::tuple<const char*, std::string, std::string*> keys[] = {
        {"name", routing::to_string(configuration.policy), &configuration.name},
        {"role", "reference", &configuration.role},
        {"marking", usual_marking(configuration), &configuration.marking},
        {"null", tests ? "all" : "", &configuration.null}};
    for (const auto& [key, absent, member] : keys) {
      auto value = text(key, absent);
      if (!value) return tl::make_unexpected(value.error());
      *member = std::move(*value);
    }
    if (configuration.name.empty()) return wrong("the name is empty");
    const auto& role = configuration.role;
    if (role != "baseline" && role != "grid" && role != "reference")
      return wrong("unknown role", fmt::format("'{}'", role), "baseline, grid or reference");
    return {};
  }

  // What the report finds the curve of fixed numbers by.
  std::string usual_marking(const Configuration& configuration) const {
    const bool is_reference = text("role", "reference").value_or("") == "reference";
    return is_reference && configuration.policy == top_k(configuration.policy.k) ? "static" : "";
  }

  Result<bool> flag(const char* key) const {
    const json value = object_.value(key, json(false));
    if (!value.is_boolean())
      return wrong(fmt::format("the key '{}' has the wrong type", key), value.type_name(),
                   "a boolean");
    return value.get<bool>();
  }

  Result<void> read_flags(Configuration& configuration) const {
    const auto plain_override = flag("plain_override"), tasks = flag("tasks");
    for (const auto* each : {&plain_override, &tasks})
      if (!*each) return tl::make_unexpected(each->error());
    configuration.plain_override = *plain_override;
    configuration.tasks = *tasks;
    PolicySpec plain = top_k(configuration.policy.k);
    if (configuration.plain_override && !(configuration.policy == plain))
      return wrong("a plain override cannot do this policy",
                   routing::to_string(configuration.policy), "top_k with native weights");
    return {};
  }

  const json& object_;
  std::string where_;
  std::filesystem::path folder_;
};

Result<json> parse_list(std::string_view content, const std::string& where) {
  auto read = parse_json(content, where);
  if (!read) return read;
  json& parsed = *read;
  if (parsed.is_object())
    if (auto ok = check_format_version(parsed, kConfigurationsFormat, where); !ok)
      return tl::make_unexpected(ok.error());
  if (!parsed.is_object() || !parsed.contains("configurations") ||
      !parsed["configurations"].is_array())
    return invalid_input(where, "not a list of configurations", "",
                         R"({"configurations": [{"name", "role", "null", "policy"}, ...]})");
  if (parsed["configurations"].empty())
    return invalid_input(where, "an empty list", "no configurations", "one or more");
  return std::move(parsed["configurations"]);
}

}  // namespace

std::vector<Configuration> default_configurations(std::size_t top_k_of_model) {
  std::vector<Configuration> list;
  list.push_back({fmt::format("top-{} (the model's own)", top_k_of_model), "baseline", "", "",
                  top_k(top_k_of_model), true, true});
  for (std::size_t max_k : kMaxKs)
    for (double alpha : kAlphas)
      list.push_back({fmt::format("bh alpha={} max_k={}", alpha, max_k), "grid", "", "all",
                      bh(alpha, max_k, WeightRule::native), false, alpha == 0.05 && max_k == 16});
  for (double alpha : kAlphas)
    list.push_back(marked(alpha, "renormalized", "all", WeightRule::renormalized));
  for (double alpha : kAlphas)
    list.push_back(marked(alpha, "unselected", "unselected", WeightRule::native));
  for (std::size_t k : kStaticKs)
    if (k != top_k_of_model)
      list.push_back({fmt::format("static top-{}", k), "reference", "static", "", top_k(k), true});
  return list;
}

Result<std::vector<Configuration>> parse_configurations(std::string_view content,
                                                        const std::filesystem::path& path) {
  auto entries = parse_list(content, path.string());
  if (!entries) return tl::make_unexpected(entries.error());
  std::vector<Configuration> list;
  for (const json& object : *entries) {
    auto where = fmt::format("{}: configurations[{}]", path.string(), list.size());
    auto configuration = Entry(object, std::move(where), path.parent_path()).read();
    if (!configuration) return tl::make_unexpected(configuration.error());
    list.push_back(std::move(*configuration));
  }
  if (auto checked = check_configurations(list, path.string()); !checked)
    return tl::make_unexpected(checked.error());
  return list;
}

Result<std::vector<Configuration>> read_configurations(const std::filesystem::path& path) {
  const auto content = read_file(path, kMaxJsonBytes);
  if (!content) return tl::make_unexpected(content.error());
  return parse_configurations(*content, path);
}

Result<void> check_configurations(const std::vector<Configuration>& list,
                                  const std::string& where) {
  std::set<std::string> names;
  for (const Configuration& configuration : list)
    if (!names.insert(configuration.name).second)
      return invalid_input(where, "two configurations of one name", configuration.name);
  const auto baselines = std::ranges::count(list, "baseline", &Configuration::role);
  if (baselines > 1)
    return invalid_input(where, "too many baselines", std::to_string(baselines), "at most 1");
  return {};
}

std::string configurations_to_json(const std::vector<Configuration>& list) {
  json entries = json::array();
  for (const Configuration& configuration : list) entries.push_back(to_json(configuration));
  return dump_json(
             {{kFormatVersionKey, kConfigurationsFormat.version}, {"configurations", entries}}, 2) +
         "\n";
}

}  // namespace bhroute::evaluation
