#pragma once
// One MoE layer as the scheduler hands it over: a split of the graph, recognised by its topology.
// Names only anchor it (where the weighted sum is, which layer it is); what is what follows from
// who reads whom.
//
//   logits -> router nodes -> sorted (argsort) -> ids (a view of its first slots)
//                     gates ------------------ -> weights chain: gather, [softmax], [normalise],
//                     [scale]
//   input, ids -> expert nodes (products, biases, activation) -> weighted = experts * weights ->
//   sum -> output

#include <ggml.h>

#include <cstddef>
#include <span>
#include <string>
#include <tl/expected.hpp>
#include <vector>

namespace bhroute::ggml {

/// What the graph does with the gathered gates, in this order.
struct WeightsChain {
  bool softmax = false;     ///< over the selected (gpt-oss)
  bool normalizes = false;  ///< divides by the sum over the selected
  float smallest_sum = 0.0f;
  float scale = 1.0f;
  std::vector<const ggml_tensor*> nodes;  ///< those that compute, in no order
};

struct MoeBlock {
  int layer = -1;
  std::size_t num_experts = 0;
  std::size_t num_slots = 0;   ///< width of ids: experts the graph computes a token
  std::size_t num_summed = 0;  ///< of these, how many reach the output; fewer only in warm-up
  std::size_t num_tokens = 0;
  bool softmax_gating =
      false;  ///< gates are a softmax over all experts, or the chain makes them one
  ggml_tensor* logits = nullptr;  ///< [num_experts, num_tokens], computed before the block
  ggml_tensor* gates = nullptr;   ///< [num_experts, num_tokens], what the weights are gathered from
  ggml_tensor* scores =
      nullptr;  ///< [num_experts, num_tokens], what the experts are ranked by; -inf = masked
  ggml_tensor* sorted = nullptr;   ///< [num_experts, num_tokens] i32, best first
  ggml_tensor* ids = nullptr;      ///< [num_slots, num_tokens], a view of sorted
  ggml_tensor* weights = nullptr;  ///< the chain's last node, [1, num_slots, num_tokens]
  ggml_tensor* input = nullptr;    ///< [d, 1, num_tokens]
  ggml_tensor* result = nullptr;   ///< of the last expert node, [d, num_slots, num_tokens]
  ggml_tensor* output = nullptr;   ///< [d, num_tokens]
  WeightsChain chain;
  std::vector<ggml_tensor*> router_nodes;  ///< up to and with sorted, in graph order
  std::vector<ggml_tensor*>
      expert_nodes;  ///< from input and ids to result, in graph order, views among them

  /// Warm-up passes compute every expert to touch its memory and sum the first few.
  bool is_warm_up() const { return num_slots > num_summed; }
};

/// Recognises a whole layer in `nodes`, in graph order. The error is the reason, for a person.
tl::expected<MoeBlock, std::string> match_moe_block(std::span<ggml_tensor* const> nodes);

}  // namespace bhroute::ggml
