#pragma once

#include <string>

#include "bhroute/routing/policy_spec.h"

namespace bhroute::routing {

/// What the policy's alpha does not promise, in a sentence for whoever is shown it; empty where the
/// rule has none.
std::string alpha_note(const PolicySpec& policy);

}  // namespace bhroute::routing
