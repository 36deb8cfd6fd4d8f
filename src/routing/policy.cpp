#include "bhroute/routing/policy.h"

#include "bh_policy.h"
#include "check_policy.h"
#include "reference_policy.h"
#include "top_k_policy.h"

namespace bhroute::routing {

Result<std::unique_ptr<Policy>> make_policy(
    const PolicySpec& spec, const RouterFacts& facts,
    std::shared_ptr<const calibration::CalibrationTable> table) {
  if (auto ok = check_policy(spec, facts, table.get()); !ok) return tl::make_unexpected(ok.error());
  return spec.rule == Rule::bh ? new_bh_policy(spec, facts, std::move(table))
                               : new_top_k_policy(spec, facts);
}

Result<std::unique_ptr<Policy>> make_reference_policy(
    const PolicySpec& spec, const RouterFacts& facts,
    std::shared_ptr<const calibration::CalibrationTable> table) {
  if (auto ok = check_policy(spec, facts, table.get()); !ok) return tl::make_unexpected(ok.error());
  return new_reference_policy(spec, facts, std::move(table));
}

}  // namespace bhroute::routing
