#pragma once

#include <memory>
#include <vector>

#include "bhroute/calibration/calibration_table.h"
#include "bhroute/routing/policy_spec.h"

namespace bhroute::routing {

/// The table that the policy names, in either form that it may have on disk (calibration/open_table.h); null where it
/// names none or its rule reads none. `expected_layers`: the model's. Errors: the file has another hash than the
/// policy's table_sha256; those of open_table.
Result<std::shared_ptr<const calibration::CalibrationTable>> open_policy_table(
    const PolicySpec& spec, const std::vector<int>& expected_layers = {});

}  // namespace bhroute::routing
