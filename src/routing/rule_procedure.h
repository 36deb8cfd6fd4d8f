#pragma once

#include "bhroute/routing/policy_spec.h"
#include "bhroute/stats/procedure.h"

namespace bhroute::routing {

/// The multiple-testing procedure of a valid spec whose rule uses p-values.
stats::Procedure procedure_of(const PolicySpec& spec);

}  // namespace bhroute::routing
