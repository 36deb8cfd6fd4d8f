#pragma once

#include <cstddef>
#include <span>

#include "bhroute/routing/policy_spec.h"

namespace bhroute::routing {

/// How many of the largest logits a rule without p-values takes, by the plain formula in double and
/// within the spec's bounds. At most the number of logits that are numbers. `spec` is one layer's.
std::size_t rival_count(const PolicySpec& spec, std::span<const float> logits);

}  // namespace bhroute::routing
