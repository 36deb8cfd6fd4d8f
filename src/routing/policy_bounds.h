#pragma once

#include "bhroute/routing/policy_spec.h"

namespace bhroute::routing {

/// The bounds of one layer's spec (`layers` is not looked at); num_experts 0 = not known.
Result<void> check_bounds(const PolicySpec& spec, std::size_t num_experts);

}  // namespace bhroute::routing
