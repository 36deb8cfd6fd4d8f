#include "bhroute/routing/policy.h"

#include "check_policy.h"
#include "reference_policy.h"
#include "rival_policy.h"
#include "testing_policy.h"
#include "top_k_policy.h"

namespace bhroute::routing {

Result<std::unique_ptr<Policy>> make_policy(
    const PolicySpec& spec, const RouterFacts& facts,
    std::shared_ptr<const calibration::CalibrationTable> table) {
  if (auto ok = check_policy(spec, facts, table.get()); !ok) return tl::make_unexpected(ok.error());
  if (uses_p_values(spec.rule)) return new_testing_policy(spec, facts, std::move(table));
  return is_static(spec.rule) ? new_top_k_policy(spec, facts) : new_rival_policy(spec, facts);
}

Result<std::unique_ptr<Policy>> make_reference_policy(
    const PolicySpec& spec, const RouterFacts& facts,
    std::shared_ptr<const calibration::CalibrationTable> table) {
  if (auto ok = check_policy(spec, facts, table.get()); !ok) return tl::make_unexpected(ok.error());
  return new_reference_policy(spec, facts, std::move(table));
}

}  // namespace bhroute::routing
