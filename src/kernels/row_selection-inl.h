// Selection among one token's logits, per target. Included by routing_kernels.cpp only.

#if defined(BHROUTE_KERNELS_ROW_SELECTION_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef BHROUTE_KERNELS_ROW_SELECTION_INL_H_
#undef BHROUTE_KERNELS_ROW_SELECTION_INL_H_
#else
#define BHROUTE_KERNELS_ROW_SELECTION_INL_H_
#endif

#include "kernels/row_softmax-inl.h"

HWY_BEFORE_NAMESPACE();
namespace bhroute::kernels::HWY_NAMESPACE {

inline constexpr std::size_t kFewCandidates = 64;  // up to here comparing all pairs beats sorting
inline constexpr std::size_t kNumGroups = 16;

/// One bit a lane, the first lane lowest.
template <class M>
HWY_INLINE std::uint64_t BitsOf(FloatTag d, M mask) {
  std::uint8_t bytes[8] = {};
  hn::StoreMaskBits(d, mask, bytes);
  if (hn::Lanes(d) <= 8) return bytes[0];
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < sizeof(bytes); ++i) bits |= std::uint64_t{bytes[i]} << (8 * i);
  return bits;
}

/// Indices of the values >= bound, rising. Not by Compress: Highway 1.0.3's table is copied to the
/// stack at every use, and AVX-512's compressing store is microcoded on some CPUs.
inline std::size_t CollectAtLeast(Row row, float bound, std::int32_t* indices) {
  const FloatTag d;
  const auto vbound = hn::Set(d, bound);
  std::size_t count = 0;
  for (std::size_t block = 0; block < row.size; block += 64) {
    const std::size_t end = std::min(row.size, block + 64);
    std::uint64_t bits = 0;
    for (std::size_t i = block; i < end; i += hn::Lanes(d)) {
      bits |= BitsOf(d, hn::Ge(hn::LoadU(d, row.values + i), vbound)) << (i - block);
    }
    for (; bits != 0; bits &= bits - 1) {
      indices[count++] = static_cast<std::int32_t>(block) + std::countr_zero(bits);
    }
  }
  return count;
}

/// Puts the indices of distinct keys into their order by comparing all pairs: no branch to
/// mispredict. Padding to whole blocks of 8 makes the loops' lengths predictable too.
inline void RankSort(std::int64_t* keys, std::size_t count, std::int32_t* sorted) {
  const hn::CappedTag<std::int64_t, 8> d;
  const std::size_t padded = (count + 7) / 8 * 8;
  HWY_ALIGN std::int64_t ranks[kFewCandidates];
  std::fill(keys + count, keys + padded, std::numeric_limits<std::int64_t>::min());
  for (std::size_t i = 0; i < padded; i += hn::Lanes(d)) {
    const auto key = hn::Load(d, keys + i);
    auto rank = hn::Zero(d);
    for (std::size_t j = 0; j < padded; ++j) {
      rank = hn::Sub(rank, hn::VecFromMask(d, hn::Gt(hn::Set(d, keys[j]), key)));
    }
    hn::Store(rank, d, ranks + i);
  }
  for (std::size_t i = 0; i < count; ++i) sorted[ranks[i]] = index_of_key(keys[i]);
}

/// Reorders the candidates: the `want` <= count largest first, in order.
inline void OrderLargest(const float* logits, std::int32_t* candidates, std::size_t count,
                         std::size_t want, std::int64_t* keys) {
  if (count <= 1) return;
  for (std::size_t i = 0; i < count; ++i) {
    keys[i] = sort_key(logits[candidates[i]], static_cast<std::size_t>(candidates[i]));
  }
  if (count <= kFewCandidates) return RankSort(keys, count, candidates);
  const std::greater<> descending;
  if (want < count) std::nth_element(keys, keys + want, keys + count, descending);
  if (want <= kFewCandidates) return RankSort(keys, want, candidates);
  std::sort(keys, keys + want, descending);
  for (std::size_t i = 0; i < want; ++i) candidates[i] = index_of_key(keys[i]);
}

/// A bound that at least `k` <= kNumGroups values reach: the k-th largest of the maxima of 16
/// groups of experts. Usually few more than k reach it. -inf if fewer groups hold a number.
inline float BoundOfLargest(Row row, std::size_t k) {
  const hn::CappedTag<float, kNumGroups> d;
  const std::size_t lanes = hn::Lanes(d);
  const auto lowest = hn::Set(d, -std::numeric_limits<float>::infinity());
  HWY_ALIGN float maxima[kNumGroups];
  for (std::size_t g = 0; g < kNumGroups; g += lanes) {
    auto max = lowest;
    for (std::size_t i = g; i < row.size; i += kNumGroups) {
      const auto v = hn::LoadU(d, row.values + i);
      max = hn::Max(max, hn::IfThenElse(hn::Eq(v, v), v, lowest));
    }
    hn::Store(max, d, maxima + g);
  }
  std::nth_element(maxima, maxima + (k - 1), maxima + kNumGroups, std::greater<>());
  return maxima[k - 1];
}

/// Writes the indices of the `k` largest logits in order; fewer if the others are NaN. Returns how
/// many.
inline std::size_t SelectLargest(Row row, float max, std::size_t k, std::int32_t* out,
                                 std::int64_t* keys) {
  float bound = -std::numeric_limits<float>::infinity();
  if (k == 1)
    bound = max;
  else if (k <= kNumGroups && row.size > 2 * kNumGroups)
    bound = BoundOfLargest(row, k);
  const std::size_t count = CollectAtLeast(row, bound, out);
  const std::size_t want = std::min(k, count);
  if (k > 1)
    OrderLargest(row.values, out, count, want, keys);  // k == 1: the first to reach the maximum
  return want;
}

/// The step-up on candidates in order: the largest k whose k-th statistic meets its critical logit.
inline std::size_t StepUpSorted(const float* statistic, const std::int32_t* sorted,
                                std::size_t count, const float* critical_logits) {
  for (std::size_t k = count; k > 0; --k) {
    if (statistic[sorted[k - 1]] >= critical_logits[k - 1]) return k;
  }
  return 0;
}

/// The step-down on candidates in order: how many meet their critical logits before the first that
/// does not.
inline std::size_t StepDownSorted(const float* statistic, const std::int32_t* sorted,
                                  std::size_t count, const float* critical_logits) {
  std::size_t k = 0;
  while (k < count && statistic[sorted[k]] >= critical_logits[k]) ++k;
  return k;
}

/// The step-up (or step-down) without sorting: each candidate's smallest rank that it meets,
/// counts, prefix sums.
inline std::size_t StepCounted(const float* statistic, const std::int32_t* candidates,
                               std::size_t count, const float* critical_logits, bool down,
                               std::size_t num_experts, std::uint32_t* counts) {
  std::fill_n(counts, num_experts, 0u);
  for (std::size_t i = 0; i < count; ++i) {
    const float s = statistic[candidates[i]];
    const float* met = std::partition_point(critical_logits, critical_logits + num_experts,
                                            [s](float z) { return !(s >= z); });
    ++counts[met - critical_logits];
  }
  std::size_t num = 0, reached = 0;
  for (std::size_t k = 1; k <= num_experts; ++k) {
    reached += counts[k - 1];
    if (reached >= k)
      num = k;
    else if (down)
      break;
  }
  return num;
}

}  // namespace bhroute::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // BHROUTE_KERNELS_ROW_SELECTION_INL_H_
