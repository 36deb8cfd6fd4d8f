#pragma once

#include <optional>

#include "bhroute/routing/policy.h"

namespace bhroute::routing {

/// The rules that test p-values. A procedure with fixed critical values is compiled here to
/// critical logits, for every layer of the table or for `only_layer`; the others go by the
/// reference. The spec and the table are checked already.
std::unique_ptr<Policy> new_testing_policy(
    const PolicySpec& spec, const RouterFacts& facts,
    std::shared_ptr<const calibration::CalibrationTable> table,
    std::optional<int> only_layer = std::nullopt);

}  // namespace bhroute::routing
