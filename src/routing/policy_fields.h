#pragma once
// The keys of a policy: one list for the short form, JSON and "did you mean".

#include <string>
#include <string_view>
#include <vector>

#include "bhroute/routing/policy_spec.h"

namespace bhroute::routing {

/// The keys that a rule understands, besides `rule`.
const std::vector<std::string>& policy_keys(Rule rule);
Result<Rule> parse_rule(std::string_view text, std::string_view where);
Result<WeightRule> parse_weight_rule(std::string_view text, std::string_view where);
/// The error for a key that `rule` does not have.
tl::unexpected<Error> unknown_key(std::string_view key, Rule rule, std::string_view where);

/// Where a key's value goes; exactly one is not null, all null for an unknown key.
struct PolicyField {
  double* number = nullptr;
  std::size_t* count = nullptr;
  bool* flag = nullptr;
  std::string* text = nullptr;
  WeightRule* weights = nullptr;
};
PolicyField policy_field(PolicySpec& spec, std::string_view key);

}  // namespace bhroute::routing
