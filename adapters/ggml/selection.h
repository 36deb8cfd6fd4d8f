#pragma once
// The (token, expert) pairs that are computed: tokens rising, each token's experts in the engine's
// order.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "bhroute/routing/policy.h"
#include "ggml/moe_block.h"

namespace bhroute::ggml {

/// Reused from call to call, so that nothing is allocated in a steady state.
struct Selection {
  std::vector<std::int32_t> experts;  ///< [num_pairs]
  std::vector<std::int32_t> tokens;   ///< [num_pairs]
  std::vector<float> weights;         ///< [num_pairs]
  std::vector<std::size_t>
      first;  ///< [num_tokens + 1], token t's pairs are first[t] .. first[t+1]-1

  std::size_t num_pairs() const { return experts.size(); }
  std::size_t num_tokens() const { return first.size() - 1; }
  std::size_t count(std::size_t token) const { return first[token + 1] - first[token]; }
  std::span<const std::int32_t> experts_of(std::size_t token) const {
    return {experts.data() + first[token], count(token)};
  }
};

/// How many experts each of the tokens [begin, end) has, if they all have the same number.
std::optional<std::size_t> uniform_count(const Selection& selection, std::size_t begin,
                                         std::size_t end);

/// Fills experts, tokens and first from a policy's decision on `logits` and the block's own
/// ranking, which must have been computed. A token keeps its first `most_experts`. One that cannot
/// be routed (every logit NaN) has the graph's own.
void select_pairs(const MoeBlock& block, LogitsView logits,
                  const routing::RoutingDecision& decision, std::size_t most_experts,
                  Selection& selection);

/// Row `token` of a tensor of floats or ids.
template <class T>
std::span<const T> row_of(const ggml_tensor* t, std::size_t token) {
  return {reinterpret_cast<const T*>(static_cast<const char*>(t->data) + token * t->nb[1]),
          static_cast<std::size_t>(t->ne[0])};
}

}  // namespace bhroute::ggml
