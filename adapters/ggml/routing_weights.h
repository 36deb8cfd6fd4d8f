#pragma once
// The weights that the selected experts' outputs are multiplied by.

#include <vector>

#include "bhroute/routing/policy.h"
#include "ggml/inner_backend.h"
#include "ggml/moe_block.h"
#include "ggml/selection.h"

namespace bhroute::ggml {

/// Fills selection.weights. `native` at temperature 1 replays the graph's own chain over each
/// token's selected experts, by the host's own operations: bit for bit what a graph with that many
/// experts computes. The other rules take the policy's weights where gates are a softmax of the
/// logits and rank the experts, and do the same with the gates themselves where they are not;
/// either is multiplied by the chain's scale.
class RoutingWeights {
 public:
  /// Why this policy cannot weigh this block, or "" if it can.
  static const char* why_not(const MoeBlock& block, const routing::PolicySpec& spec);

  /// `decision` may be null: the graph's own chain then. The block's gates and ranking must be
  /// computed.
  ggml_status fill(const MoeBlock& block, const routing::Policy& policy,
                   const routing::RoutingDecision& decision, InnerBackend& inner,
                   Selection& selection);

 private:
  ggml_status replay_chain(const WeightsChain& chain, InnerBackend& inner, Selection& selection);
  ggml_status replay_group(const WeightsChain& chain, std::size_t count, std::size_t num_tokens,
                           float* weights, InnerBackend& inner);

  std::vector<float> sums_, group_;
  std::vector<std::size_t> group_tokens_;
  std::vector<std::size_t> counts_;
};

}  // namespace bhroute::ggml
