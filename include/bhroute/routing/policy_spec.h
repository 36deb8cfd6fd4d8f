#pragma once
// A policy as a user writes it: the same JSON object in files, on the command line and in results.
//   bh:alpha=0.05,min_k=1,max_k=16,weights=native      top_k:k=5,weights=mass      a path to a JSON file
//   {"rule": "bh", "alpha": 0.05, "min_k": 1, "max_k": 16, "weights": "native", "temperature": 1.0}

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "bhroute/core/error.h"

namespace bhroute::routing {

enum class Rule { bh, top_k };

enum class WeightRule {
  native,        ///< what the model was trained with
  renormalized,  ///< selected weights sum to 1 (the original system)
  mass           ///< selected weights sum to the router mass of the model's own top_k
};
std::string_view to_string(Rule rule) noexcept;
std::string_view to_string(WeightRule rule) noexcept;

struct PolicySpec {
  Rule rule = Rule::bh;
  double alpha = 0.05;      ///< bh: target FDR level, 0 < alpha < 1
  std::size_t min_k = 1;    ///< bh
  std::size_t max_k = 8;    ///< bh
  std::size_t k = 8;        ///< top_k
  WeightRule weights = WeightRule::native;
  double temperature = 1.0;    ///< > 0; a warning outside [0.5, 2]
  bool clamp_p_values = false; ///< bh: the original system's clamping to [eps, 1-eps]
  std::string table{};           ///< bh: path of the table, "" = given apart (--table) or searched for

  std::size_t largest_k() const noexcept { return rule == Rule::bh ? max_k : k; }
  bool operator==(const PolicySpec&) const = default;
};

/// Checks every bound: 0 < alpha < 1, temperature > 0, 1 <= min_k <= max_k, finite parameters; with
/// num_experts > 0 also max_k (k) <= num_experts. Errors name the key, its value and the bound.
Result<void> validate(const PolicySpec& spec, std::size_t num_experts = 0);

/// "rule:key=value,..." or, if it names an existing file or ends in .json, that file. Unknown keys are errors
/// ("did you mean ..."). A relative `table` in a file is relative to the file.
Result<PolicySpec> parse_policy(std::string_view text);
Result<PolicySpec> policy_from_json(const nlohmann::json& object, std::string_view where = "policy");
nlohmann::json to_json(const PolicySpec& spec);
/// The short form that parse_policy reads back to an equal spec.
std::string to_string(const PolicySpec& spec);

}  // namespace bhroute::routing
