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

void require_bounds(const routing::CountBounds& bounds, std::size_t slots) {
  require(bounds.min_k <= bounds.max_k, "a smallest count above the largest");
  require(bounds.max_k <= slots, "a layer with more experts than the policy has slots");
}

}  // namespace

bool accepts(std::string_view bytes) {
  const auto spec = read(bytes);
  if (!spec) return false;
  const auto again = routing::policy_from_json(routing::to_json(*spec));
  require(again.has_value(), "a policy that its own reader refuses");
  require(*again == *spec, "a policy that changes when it is written and read");
  require_bounds(spec->bounds(), spec->largest_k());
  for (const auto& [layer, own] : spec->layers)
    require_bounds(spec->for_layer(layer).bounds(), spec->largest_k());
  return true;
}

}  // namespace bhroute::fuzz
