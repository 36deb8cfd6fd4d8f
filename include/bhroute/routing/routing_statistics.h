#pragma once

#include <cstddef>

#include "bhroute/routing/policy.h"

namespace bhroute::routing {

struct RoutingStatistics {
  std::size_t num_tokens = 0;
  double mean_experts = 0.0;
  double sd_experts = 0.0;      ///< population sd over tokens
  std::size_t min_experts = 0;
  std::size_t max_experts = 0;
  double sparsity = 0.0;        ///< 1 - mean_experts / num_experts
  double weight_entropy = 0.0;  ///< mean over tokens of -sum w log w (nats), w the selected weights scaled to sum 1
  double floor_share = 0.0;     ///< share of tokens with num_selected == min_k
  double ceiling_share = 0.0;   ///< share of tokens with num_selected == max_k
};

/// min_k and max_k are the policy's (top_k: both k). A decision of no tokens gives zeros.
RoutingStatistics compute_routing_statistics(const RoutingDecision& decision, std::size_t min_k, std::size_t max_k);

}  // namespace bhroute::routing
