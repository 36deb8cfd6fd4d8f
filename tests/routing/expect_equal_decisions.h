#pragma once

#include <gtest/gtest.h>

#include "bhroute/routing/routing_decision.h"
#include "kernels/ulp.h"

namespace bhroute::testing {

/// The same experts in the same order and number; weights within 4 ulp.
inline ::testing::AssertionResult decisions_agree(const routing::RoutingDecision& got,
                                                  const routing::RoutingDecision& want) {
  if (got.num_selected != want.num_selected) {
    for (std::size_t t = 0; t < want.num_tokens; ++t)
      if (got.num_selected[t] != want.num_selected[t])
        return ::testing::AssertionFailure()
               << "token " << t << ": selected " << got.num_selected[t] << ", want "
               << want.num_selected[t];
    return ::testing::AssertionFailure() << "different numbers of tokens";
  }
  for (std::size_t i = 0; i < want.expert_ids.size(); ++i) {
    if (got.expert_ids[i] != want.expert_ids[i] ||
        !weights_agree(got.routing_weights[i], want.routing_weights[i]))
      return ::testing::AssertionFailure()
             << "token " << i / want.max_k << " slot " << i % want.max_k << ": expert "
             << got.expert_ids[i] << " weight " << got.routing_weights[i] << ", want "
             << want.expert_ids[i] << " " << want.routing_weights[i];
  }
  return ::testing::AssertionSuccess();
}

}  // namespace bhroute::testing
