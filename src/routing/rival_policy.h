#pragma once

#include "bhroute/routing/policy.h"

namespace bhroute::routing {

/// The rules that read the logits alone and choose a count. The spec is checked already.
std::unique_ptr<Policy> new_rival_policy(const PolicySpec& spec, const RouterFacts& facts);

}  // namespace bhroute::routing
