#pragma once

#include "bhroute/routing/policy.h"

namespace bhroute::routing {

/// The path of what does not compile: selection by `reference`, weights by the kernels as
/// everywhere else. `spec` is the layer's.
Result<void> route_by_reference(const Policy& reference, const PolicySpec& spec, LogitsView logits,
                                int layer, const RouteRequest& request, RoutingDecision& decision);

}  // namespace bhroute::routing
