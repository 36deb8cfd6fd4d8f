#pragma once

#include "bhroute/routing/policy.h"

namespace bhroute::routing {

/// The k largest logits of every token, k the same or by layer. The spec is checked already.
std::unique_ptr<Policy> new_top_k_policy(const PolicySpec& spec, const RouterFacts& facts);

}  // namespace bhroute::routing
