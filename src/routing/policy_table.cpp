#include "bhroute/routing/policy_table.h"

#include "bhroute/calibration/open_table.h"

namespace bhroute::routing {

Result<std::shared_ptr<const calibration::CalibrationTable>> open_policy_table(
    const PolicySpec& spec, const std::vector<int>& expected_layers) {
  if (spec.table.empty() || !uses_p_values(spec.rule)) return nullptr;
  if (auto ok = check_table_hash(spec, spec.table); !ok) return tl::make_unexpected(ok.error());
  return calibration::open_table(spec.table, expected_layers);
}

}  // namespace bhroute::routing
