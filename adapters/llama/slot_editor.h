#pragma once
// Carries a routing decision into a graph that has a fixed number of expert slots a token: ids are
// permuted, never repeated (a repeated id overflows llama.cpp's repacked kernels), and unselected
// slots get weight 0.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace bhroute::llama {

/// One token's slots as the graph holds them. `ids` has all num_experts experts, each once; the
/// first weights.size() of them are the slots.
struct TokenSlots {
  std::span<std::int32_t> ids;
  std::span<float> weights;
};

class SlotEditor {
 public:
  explicit SlotEditor(std::size_t num_experts) : rank_(num_experts, -1), slot_of_(num_experts) {}
  /// `expert_ids` distinct, at most slots.weights.size() of them; `routing_weights` theirs.
  void apply(TokenSlots slots, std::span<const std::int32_t> expert_ids,
             std::span<const float> routing_weights);

 private:
  void bring_into_slots(TokenSlots slots, std::span<const std::int32_t> expert_ids);
  std::vector<std::int32_t> rank_;     // expert -> index in expert_ids, -1 = not selected
  std::vector<std::int32_t> slot_of_;  // expert -> its place in ids
};

}  // namespace bhroute::llama
