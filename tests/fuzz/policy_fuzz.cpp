// Policies, as JSON and in the short form; what is read is written and read again.

#include <nlohmann/json.hpp>

#include "bhroute/core/json.h"
#include "bhroute/routing/policy_spec.h"
#include "fuzz/finding.h"
#include "fuzz/target.h"

namespace bhroute::fuzz {
namespace {

/// Text that begins with no rule would be taken for a file's name.
bool is_short_form(std::string_view text) {
  return routing::parse_rule(text.substr(0, text.find(':')), "fuzz").has_value();
}

Result<routing::PolicySpec> read(std::string_view bytes) {
  if (is_short_form(bytes)) return routing::parse_policy(bytes);
  return parse_json(bytes, "fuzz.json").and_then([](const nlohmann::json& object) {
    return routing::policy_from_json(object, "fuzz.json");
  });
}

}  // namespace

bool accepts(std::string_view bytes) {
  const auto spec = read(bytes);
  if (!spec) return false;
  const auto again = routing::policy_from_json(routing::to_json(*spec));
  require(again.has_value(), "a policy that its own reader refuses");
  require(*again == *spec, "a policy that changes when it is written and read");
  require(spec->smallest_k() <= spec->largest_k(), "a smallest count above the largest");
  return true;
}

}  // namespace bhroute::fuzz
