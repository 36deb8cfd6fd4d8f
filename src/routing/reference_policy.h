#pragma once

#include "bhroute/routing/policy.h"

namespace bhroute::routing {

/// Textbook mathematics in double. The spec and the table are checked already.
std::unique_ptr<Policy> new_reference_policy(
    const PolicySpec& spec, const RouterFacts& facts,
    std::shared_ptr<const calibration::CalibrationTable> table);

/// The intermediate values for a finished decision.
RoutingStats reference_stats(LogitsView logits, int layer, const PolicySpec& spec,
                             const calibration::CalibrationTable* table,
                             const RoutingDecision& decision);

}  // namespace bhroute::routing
