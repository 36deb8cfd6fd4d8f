#include "llama/slot_editor.h"

#include <algorithm>
#include <numeric>
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
    moved_in_[free_slot] = 1;
  }
}

void SlotEditor::apply(TokenSlots slots, std::span<const std::int32_t> expert_ids,
                       std::span<const float> routing_weights, const SlotRules& rules) {
  moved_in_.assign(slots.weights.size(), 0);
  for (std::size_t i = 0; i < expert_ids.size(); ++i)
    rank_[expert_ids[i]] = static_cast<std::int32_t>(i);
  bring_into_slots(slots, expert_ids);
  // A normalised weight of the graph and one of the policy are on different scales: take all from
  // the policy then.
  const bool any_moved = std::find(moved_in_.begin(), moved_in_.end(), 1) != moved_in_.end();
  const bool keep = rules.keep_weights && !(rules.normalizes && any_moved);
  const float old_sum = std::accumulate(slots.weights.begin(), slots.weights.end(), 0.0f);
  bool edited = false;
  float kept_sum = 0.0f;
  for (std::size_t slot = 0; slot < slots.weights.size(); ++slot) {
    const std::int32_t rank = rank_[slots.ids[slot]];
    float& weight = slots.weights[slot];
    if (rank < 0)
      weight = 0.0f, edited = true;
    else if (!keep || moved_in_[slot])
      weight = routing_weights[rank] * rules.scale, edited = true;
    kept_sum += weight;
  }
  // With nothing edited the row must stay bit for bit what the engine made.
  if (keep && rules.normalizes && edited && kept_sum > 0.0f)
    for (float& weight : slots.weights) weight *= old_sum / kept_sum;
  for (std::int32_t expert : expert_ids) rank_[expert] = -1;
}

}  // namespace bhroute::llama
