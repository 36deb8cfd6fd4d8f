#pragma once

#include <optional>

#include "bhroute/routing/policy.h"

namespace bhroute::routing {

/// BH by critical logits, compiled here for every layer of the table, or for `only_layer`. The spec
/// and the table are checked already.
std::unique_ptr<Policy> new_bh_policy(const PolicySpec& spec, const RouterFacts& facts,
                                      std::shared_ptr<const calibration::CalibrationTable> table,
                                      std::optional<int> only_layer = std::nullopt);

}  // namespace bhroute::routing
