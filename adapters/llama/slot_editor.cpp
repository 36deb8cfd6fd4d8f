#include "llama/slot_editor.h"

#include <utility>

namespace bhroute::llama {

// Experts beyond the graph's slots change places with unselected ones within them.
void SlotEditor::bring_into_slots(TokenSlots slots, std::span<const std::int32_t> expert_ids) {
  for (std::size_t i = 0; i < slots.ids.size(); ++i)
    slot_of_[slots.ids[i]] = static_cast<std::int32_t>(i);
  std::size_t free_slot = 0;
  for (std::int32_t expert : expert_ids) {
    const auto place = static_cast<std::size_t>(slot_of_[expert]);
    if (place < slots.weights.size()) continue;
    while (rank_[slots.ids[free_slot]] >= 0) ++free_slot;
    std::swap(slots.ids[free_slot], slots.ids[place]);
  }
}

void SlotEditor::apply(TokenSlots slots, std::span<const std::int32_t> expert_ids,
                       std::span<const float> routing_weights) {
  for (std::size_t i = 0; i < expert_ids.size(); ++i)
    rank_[expert_ids[i]] = static_cast<std::int32_t>(i);
  bring_into_slots(slots, expert_ids);
  for (std::size_t slot = 0; slot < slots.weights.size(); ++slot) {
    const std::int32_t rank = rank_[slots.ids[slot]];
    slots.weights[slot] = rank < 0 ? 0.0f : routing_weights[rank];
  }
  for (std::int32_t expert : expert_ids) rank_[expert] = -1;
}

}  // namespace bhroute::llama
