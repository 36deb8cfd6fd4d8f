#pragma once
// The pairs (token, expert) of a decision in the order in which grouped products of matrices want
// them: expert by expert. Also what stands in the slots that no expert takes.

#include <cstddef>
#include <cstdint>

namespace bhroute::kernels {

/// What an engine skips on.
enum class Unselected {
  minus_one,    ///< -1
  num_experts,  ///< an id one too large
  distinct      ///< ids that the row has not selected, each once: computed, at weight 0
};

/// Rewrites the ids beyond num_selected of each row. `expert_ids` [num_tokens, max_k] with max_k <=
/// num_experts.
void fill_unselected(Unselected form, std::size_t num_tokens, std::size_t max_k,
                     std::size_t num_experts, const std::int32_t* num_selected,
                     std::int32_t* expert_ids) noexcept;

/// How many tokens selected each expert: `counts` [num_experts].
void count_experts(std::size_t num_tokens, std::size_t max_k, std::size_t num_experts,
                   const std::int32_t* num_selected, const std::int32_t* expert_ids,
                   std::int32_t* counts) noexcept;

/// Compressed rows, experts as rows: the pairs of expert e are pairs[offsets[e]] to pairs[offsets[e
/// + 1] - 1], a pair being token * max_k + slot, tokens rising. `offsets` [num_experts + 1],
/// `pairs` [num_tokens * max_k]: -1 beyond offsets[num_experts]. Two passes over the ids.
void compress_rows(std::size_t num_tokens, std::size_t max_k, std::size_t num_experts,
                   const std::int32_t* num_selected, const std::int32_t* expert_ids,
                   std::int32_t* offsets, std::int32_t* pairs) noexcept;

}  // namespace bhroute::kernels
