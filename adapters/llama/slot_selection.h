#pragma once
// A policy's decision as a graph with a fixed number of slots takes it: which experts, in the
// engine's order, with what weights.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "bhroute/core/error.h"
#include "bhroute/core/logits_view.h"
#include "bhroute/routing/policy.h"
#include "llama/router_nodes.h"

namespace bhroute::llama {

/// Why a policy cannot route this layer; nothing if it can.
std::optional<Error> cannot_route(int layer_index, const RouterNodes::Layer& layer,
                                  const routing::PolicySpec& spec);

/// One layer's router as the graph computed it for a micro-batch.
struct RouterValues {
  LogitsView logits;
  std::span<const std::int32_t> order;  ///< [num_tokens, num_experts], the engine's best first
  std::span<const float> gates;  ///< [num_tokens, num_slots], of the first num_slots of order
  std::size_t num_slots = 0;
  std::size_t own_top_k = 0;
};

/// Ragged: token t's experts and weights are [first[t], first[t+1]). Reused from call to call.
class SlotSelection {
 public:
  /// `policy` null, or num_selected < 0 in the decision: the model's own top_k.
  Result<void> choose(const RouterNodes::Layer& layer, const RouterValues& values,
                      const routing::Policy* policy, const routing::RoutingDecision& decision);
  std::span<const std::int32_t> experts(std::size_t token) const;
  std::span<const float> weights(std::size_t token) const;
  /// Writes what was chosen over what the policy asked for.
  void write_back(routing::RoutingDecision& decision) const;

 private:
  using Decision = routing::RoutingDecision;
  void choose_experts(const RouterNodes::Layer& layer, const RouterValues& values,
                      const Decision& decision);
  void gather_gates(const RouterNodes::Layer& layer, const RouterValues& values);
  void weigh_by_policy(const RouterNodes::Layer& layer, std::size_t token,
                       const Decision& decision);
  void scale_gates(const RouterNodes::Layer& layer, const RouterValues& values, std::size_t token,
                   routing::WeightRule rule);

  std::vector<std::size_t> first_;
  std::vector<std::int32_t> experts_;
  std::vector<float> weights_;
  ChainReplay replay_;
};

}  // namespace bhroute::llama
