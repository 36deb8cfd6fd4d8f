#include "bhroute/routing/routing_statistics.h"

#include <algorithm>
#include <cmath>
#include <span>

namespace bhroute::routing {
namespace {

std::size_t count_of(const RoutingDecision& decision, std::size_t t) {
  return static_cast<std::size_t>(decision.num_selected[t]);
}

/// -sum w log w in nats of one token's weights scaled to sum 1; 0 where they sum to nothing.
double weight_entropy(std::span<const float> weights) {
  double sum = 0.0;
  for (float w : weights) sum += w;
  double entropy = 0.0;
  for (float w : weights) {
    const double share = w / sum;
    if (share > 0.0) entropy -= share * std::log(share);
  }
  return entropy;
}

}  // namespace

RoutingStatistics compute_routing_statistics(const RoutingDecision& decision, std::size_t min_k,
                                             std::size_t max_k) {
  RoutingStatistics s;
  s.num_tokens = decision.num_tokens;
  if (s.num_tokens == 0) return s;
  s.min_experts = decision.num_experts;
  double sum_squares = 0.0;
  for (std::size_t t = 0; t < s.num_tokens; ++t) {
    const std::size_t count = count_of(decision, t);
    s.mean_experts += static_cast<double>(count);
    sum_squares += static_cast<double>(count * count);
    s.min_experts = std::min(s.min_experts, count);
    s.max_experts = std::max(s.max_experts, count);
    s.floor_share += count == min_k ? 1.0 : 0.0;
    s.ceiling_share += count == max_k ? 1.0 : 0.0;
    s.weight_entropy +=
        weight_entropy(std::span(decision.routing_weights).subspan(t * decision.max_k, count));
  }
  const auto tokens = static_cast<double>(s.num_tokens);
  for (double* mean :
       {&s.mean_experts, &sum_squares, &s.floor_share, &s.ceiling_share, &s.weight_entropy})
    *mean /= tokens;
  s.sd_experts = std::sqrt(std::max(0.0, sum_squares - s.mean_experts * s.mean_experts));
  s.sparsity = 1.0 - s.mean_experts / static_cast<double>(decision.num_experts);
  return s;
}

}  // namespace bhroute::routing
