#include "bhroute/kernels/compressed_rows.h"

#include <algorithm>
#include <utility>

namespace bhroute::kernels {
namespace {

/// Distinct ids for the slots from `num` on: of the max_k smallest ids at least max_k - num are
/// free.
void fill_distinct(std::int32_t* row, std::size_t num, std::size_t max_k) noexcept {
  std::int32_t id = 0;
  for (std::size_t slot = num; slot < max_k; ++slot, ++id) {
    while (std::find(row, row + num, id) != row + num) ++id;
    row[slot] = id;
  }
}

}  // namespace

void fill_unselected(Unselected form, std::size_t num_tokens, std::size_t max_k,
                     std::size_t num_experts, const std::int32_t* num_selected,
                     std::int32_t* expert_ids) noexcept {
  const std::int32_t id =
      form == Unselected::minus_one ? -1 : static_cast<std::int32_t>(num_experts);
  for (std::size_t t = 0; t < num_tokens; ++t) {
    std::int32_t* row = expert_ids + t * max_k;
    const auto num = static_cast<std::size_t>(num_selected[t]);
    if (form == Unselected::distinct)
      fill_distinct(row, num, max_k);
    else
      std::fill(row + num, row + max_k, id);
  }
}

void count_experts(std::size_t num_tokens, std::size_t max_k, std::size_t num_experts,
                   const std::int32_t* num_selected, const std::int32_t* expert_ids,
                   std::int32_t* counts) noexcept {
  std::fill_n(counts, num_experts, 0);
  for (std::size_t t = 0; t < num_tokens; ++t)
    for (std::int32_t slot = 0; slot < num_selected[t]; ++slot)
      ++counts[expert_ids[t * max_k + slot]];
}

void compress_rows(std::size_t num_tokens, std::size_t max_k, std::size_t num_experts,
                   const std::int32_t* num_selected, const std::int32_t* expert_ids,
                   std::int32_t* offsets, std::int32_t* pairs) noexcept {
  // offsets[e + 1] holds where expert e's next pair goes, and ends as where its pairs end.
  offsets[0] = 0;
  count_experts(num_tokens, max_k, num_experts, num_selected, expert_ids, offsets + 1);
  std::int32_t start = 0;
  for (std::size_t e = 1; e <= num_experts; ++e) start += std::exchange(offsets[e], start);
  for (std::size_t t = 0; t < num_tokens; ++t)
    for (std::int32_t slot = 0; slot < num_selected[t]; ++slot) {
      const auto pair = static_cast<std::int32_t>(t * max_k) + slot;
      pairs[offsets[expert_ids[pair] + 1]++] = pair;
    }
  std::fill(pairs + start, pairs + num_tokens * max_k, -1);
}

}  // namespace bhroute::kernels
