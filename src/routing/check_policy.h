#pragma once

#include "bhroute/routing/policy.h"

namespace bhroute::routing {

/// Everything that can be wrong between a spec, a model and a table. Warns of an unusual
/// temperature.
Result<void> check_policy(const PolicySpec& spec, const RouterFacts& facts,
                          const calibration::CalibrationTable* table);

}  // namespace bhroute::routing
