#pragma once
// The usual token's short way: a pooled null on the logits themselves, ids and weights out, its row
// in registers and no more candidates than a group has room for. What does not fit (NaN,
// infinities, many ties, too few candidates) is told as rare and takes the whole way of
// token_route_cuda.cuh.

#include <cmath>

#include "kernels/token_route_cuda.cuh"

namespace bhroute::kernels::cuda {

/// How a group of lanes holds a token: kValues adjacent experts a lane, kRoom candidates a group.
template <int kLanes_, int kValues_, int kRoom_>
struct PlainGroup : TokenGroup<kLanes_, kValues_, kValues_> {
  static constexpr int kValues = kValues_, kRoom = kRoom_;
  static constexpr int kSlots = kRoom <= kLanes_ ? 1 : kRoom / kLanes_;  // candidates a lane
  static constexpr int kListStride =
      kRoom + 2;  // entries: lists lie in other banks, 16 bytes aligned
  static constexpr int kWarpList = 32 / kLanes_ * kListStride;

  /// A lane's experts are all there or none: beyond the row lies the next one.
  __host__ __device__ static constexpr bool can_hold(int num_experts) {
    return num_experts % kValues == 0 && num_experts <= kLanes_ * kValues;
  }
  __device__ static int in_warp() { return threadIdx.x % 32 / kLanes_; }
  /// Every lane has a place in the list.
  static constexpr bool kAllListed = kLanes_ <= kRoom;
};

/// A lane's part of a row as it lies in memory; -inf where nothing was loaded.
template <class Group, class T>
struct RowPack {
  static constexpr int kPer = Group::kValues * sizeof(T) > 16 ? 16 / sizeof(T) : Group::kValues;
  static constexpr int kPacks = Group::kValues / kPer;
  struct alignas(kPer * sizeof(T)) Pack {
    T item[kPer];
  };
  Pack pack[kPacks];

  __device__ void clear() {
#pragma unroll
    for (int v = 0; v < Group::kValues; ++v) pack[v / kPer].item[v % kPer] = T(-INFINITY);
  }
  __device__ void load(const T* row) {
#pragma unroll
    for (int p = 0; p < kPacks; ++p) pack[p] = reinterpret_cast<const Pack*>(row)[p];
  }
  __device__ void unpack(float (&logits)[Group::kValues]) const {
#pragma unroll
    for (int v = 0; v < Group::kValues; ++v) logits[v] = to_float(pack[v / kPer].item[v % kPer]);
  }
};

/// Adds up in pairs, which keeps roundings few.
template <int kValues>
__device__ float sum_in_pairs(float (&terms)[kValues]) {
#pragma unroll
  for (int step = 1; step < kValues; step *= 2) {
#pragma unroll
    for (int v = 0; v + step < kValues; v += 2 * step) terms[v] += terms[v + step];
  }
  return terms[0];
}

/// The softmax's sum over the token's experts, relative to its largest logit `max`. One rounding an
/// argument; what the product max * scale lost is common to all of them and put right at the end.
/// Not between 0.9 and 1025: the row is rare (NaN, an infinity, numbers too large for this).
template <class Group>
__device__ float plain_sum(const float (&logits)[Group::kValues], float max, SoftmaxScale scale) {
  const float shift = max * scale.high;
  float terms[Group::kValues];
#pragma unroll
  for (int v = 0; v < Group::kValues; ++v)
    terms[v] = exp2_fast(fmaf(logits[v], scale.high, -shift));
  const float lost = fmaf(max, scale.high, -shift);
  const float sum = Group::sum(sum_in_pairs(terms));
  return fabsf(shift) <= 4096.0f ? fmaf(sum, -0.69314718f * lost, sum) : 0.0f;
}

/// exp_weight() of softmax_cuda.cuh for a finite `max`, without its branches.
__device__ inline float plain_weight(float logit, float max, SoftmaxScale scale) {
  const float d = logit - max;
  const float high = fmaxf(d * scale.high, -200.0f);
  const float back = d + max;  // Knuth's two-sum: what d lost
  const float lost = (logit - back) + ((back - d) - max);
  const float low = fmaf(d, scale.high, -high) + fmaf(d, scale.low, lost * scale.high);
  const float whole = high + 12582912.0f;  // rounds to an integer, found in the low bits
  const float f = (high - (whole - 12582912.0f)) + low;
  const float weight = exp2_of_parts(__float_as_int(whole) - 0x4b400000, f);
  return high >= -149.0f ? weight : 0.0f;
}

/// A small whole number that was summed up as a float, which leaves the integer units free.
__device__ inline int whole(float x) { return __float_as_int(x + 12582912.0f) - 0x4b400000; }

/// How many experts reach the bound: on the lanes below this one, and in the group.
struct PlainCount {
  int before, all;
};

template <class Group>
__device__ PlainCount plain_at_least(const float (&logits)[Group::kValues], float bound) {
  float reach[Group::kValues];
#pragma unroll
  for (int v = 0; v < Group::kValues; ++v) reach[v] = logits[v] >= bound ? 1.0f : 0.0f;
  const int own = whole(sum_in_pairs(reach));
  int sum = own;
#pragma unroll
  for (int step = 1; step < Group::kLanes; step *= 2) {
    const int lower = __shfl_up_sync(kWarp, sum, step, Group::kLanes);
    if (Group::lane() >= step) sum += lower;
  }
  return {sum - own, __shfl_sync(kWarp, sum, Group::kLanes - 1, Group::kLanes)};
}

/// The experts that can be selected: those that reach the bound. `full`: max_k ranks pass, whatever
/// the candidates say.
struct PlainCandidates {
  float bound;
  PlainCount count;
  bool full;
};

/// Rounds as in find_candidates(), until every group of the warp has room or cannot get fewer; the
/// largest logit stands in where nothing can pass. `lowest` is the last critical logit.
template <class Group>
__device__ PlainCandidates plain_candidates(const float (&logits)[Group::kValues], float max,
                                            const float* critical, float lowest, int n) {
  float bound = lowest;
  for (int k = n;;) {
    const PlainCount count = plain_at_least<Group>(logits, bound);
    const bool fewer = count.all > Group::kRoom && count.all < k,
               none = count.all == 0 && bound != max;
    if (!__any_sync(kWarp, fewer || none)) return {bound, count, count.all > Group::kRoom};
    if (fewer) k = count.all, bound = critical[k - 1];
    if (none) bound = max;
  }
}

/// For groups with more candidates than they have room for, or fewer than `min_k`: bisects for a
/// bound that leaves max_k to kRoom of them, or min_k to kRoom. In vain where ties forbid it.
template <class Group>
__device__ void narrow(const float (&logits)[Group::kValues], float max, int min_k, int max_k,
                       PlainCandidates& found) {
  const bool few = found.count.all < min_k;
  const int want = found.full ? max_k : min_k;
  float least = logits[0];
#pragma unroll
  for (int v = 1; v < Group::kValues; ++v) least = fminf(least, logits[v]);
  least = -Group::max(-least);
  float low = few ? least : found.bound, high = few ? found.bound : max;
  bool open = (found.full || few) && want <= Group::kRoom;
#pragma unroll 1
  for (int round = 0; round < 16 && __any_sync(kWarp, open); ++round) {
    const float bound = 0.5f * low + 0.5f * high;
    const PlainCount count = plain_at_least<Group>(logits, open ? bound : found.bound);
    if (open) found.bound = bound, found.count = count;
    (count.all > Group::kRoom ? low : high) = bound;
    open = open && (count.all > Group::kRoom || count.all < want);
  }
}

/// A lane's candidates: entry lane() + s * kLanes of the list, in the order of the experts, and the
/// rank of each; the places beyond the candidates hold NaN and are ranks of their own.
template <class Group>
struct PlainShare {
  Entry entry[Group::kSlots];
  int rank[Group::kSlots];
};

template <class Group>
__device__ void list_plain(const float (&logits)[Group::kValues], const PlainCandidates& found,
                           Entry* list) {
  const int first = Group::lane() * Group::kValues;
#pragma unroll
  for (int s = 0; s < Group::kSlots; ++s) {
    const int i = Group::lane() + s * Group::kLanes;
    if (i >= found.count.all && (Group::kAllListed || i < Group::kRoom)) list[i] = {nanf(""), -1};
  }
  Entry* place = list + found.count.before;
#pragma unroll
  for (int v = 0; v < Group::kValues; ++v) {
    if (logits[v] >= found.bound) *place++ = {logits[v], first + v};
  }
}

/// Adds to each rank how many of the list come before by `before(other, own, other's place, own
/// place)`.
template <class Group, class Before>
__device__ void add_before(const Entry* list, int count, PlainShare<Group>& share, Before before) {
  struct alignas(16) Pair {
    Entry entry[2];
  };
  float sum[Group::kSlots] = {};
#pragma unroll
  for (int j = 0; j < Group::kRoom; j += 2) {
    const Pair pair = *reinterpret_cast<const Pair*>(list + j);
#pragma unroll
    for (int s = 0; s < Group::kSlots; ++s) {
      const float own = share.entry[s].number;
      const int i = Group::lane() + s * Group::kLanes;
      sum[s] += before(pair.entry[0].number, own, j, i) ? 1.0f : 0.0f;
      sum[s] += before(pair.entry[1].number, own, j + 1, i) ? 1.0f : 0.0f;
    }
  }
#pragma unroll
  for (int s = 0; s < Group::kSlots; ++s)
    if (Group::lane() + s * Group::kLanes < count) share.rank[s] += whole(sum[s]);
}

/// By the logits; of equal ones the one listed before comes first. Without ties the ranks of a list
/// add up to its places, with any to less: a warp seldom needs to compare places.
template <class Group>
__device__ void rank_plain(const Entry* list, int count, PlainShare<Group>& share) {
  int missing = 0;
#pragma unroll
  for (int s = 0; s < Group::kSlots; ++s) {
    const int i = Group::lane() + s * Group::kLanes;
    share.entry[s] = Group::kAllListed || i < Group::kRoom ? list[i] : Entry{nanf(""), -1};
    share.rank[s] = i < count ? 0 : i;
  }
  add_before(list, count, share, [](float other, float own, int, int) { return other > own; });
#pragma unroll
  for (int s = 0; s < Group::kSlots; ++s)
    missing += Group::lane() + s * Group::kLanes - share.rank[s];
  if (__reduce_add_sync(kWarp, missing) == 0) return;
  add_before(list, count, share,
             [](float other, float own, int j, int i) { return (other == own) & (j < i); });
}

/// How many ranks the step-up passes.
template <class Group>
__device__ int plain_passed(const PlainShare<Group>& share, const float* critical) {
  if constexpr (Group::kRoom * Group::kTokensPerWarp <= 32) {
    const int shift = Group::in_warp() * Group::kRoom;
    unsigned ranks = 0;
    if (share.entry[0].number >= critical[share.rank[0]]) ranks = 1u << (share.rank[0] + shift);
    ranks = __reduce_or_sync(kWarp, ranks) >> shift;
    return 32 - __clz(Group::kRoom == 32 ? ranks : ranks & ((1u << (Group::kRoom % 32)) - 1));
  } else {
    int passed = 0;
#pragma unroll
    for (int s = 0; s < Group::kSlots; ++s) {
      if (share.entry[s].number >= critical[share.rank[s]])
        passed = ::max(passed, share.rank[s] + 1);
    }
    return Group::max(passed);
  }
}

/// 1 / x of a normal x, to about the last bit.
__device__ inline float inverse_of(float x) {
#ifdef __CUDA_ARCH__
  float y;
  asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
#else
  float y = 1.0f / x;
#endif
  return fmaf(fmaf(-x, y, 1.0f), y, y);
}

/// w / sum to the last bit but for denormal results; `inverse` is 1 / sum.
__device__ inline float divide(float w, float sum, float inverse) {
  const float quotient = w * inverse;
  return fmaf(fmaf(-quotient, sum, w), inverse, quotient);
}

/// Each lane writes the slots that its ranks are; `num` of the row are selected.
template <class Group, bool kCounted>
__device__ void write_plain(const Call& call, unsigned t, const PlainShare<Group>& share, int num,
                            float max, float sum, int padding, int* histogram, bool wanted) {
  float weight[Group::kSlots];
#pragma unroll
  for (int s = 0; s < Group::kSlots; ++s)
    weight[s] = share.rank[s] < num ? plain_weight(share.entry[s].number, max, call.softmax) : 0.0f;
  if (call.weight_scale == WeightScale::one) {
    double selected = 0.0;
#pragma unroll
    for (int s = 0; s < Group::kSlots; ++s) selected += static_cast<double>(weight[s]);
    sum = static_cast<float>(Group::sum(selected));
  }
  const float inverse = inverse_of(sum);
  const unsigned row = t * static_cast<unsigned>(call.max_k);
#pragma unroll
  for (int s = 0; s < Group::kSlots; ++s) {
    const int slot = share.rank[s];
    const bool has = Group::kAllListed || Group::lane() + s * Group::kLanes < Group::kRoom;
    if (wanted && has && slot < call.max_k) {
      call.out.expert_ids[row + slot] = slot < num ? share.entry[s].expert : padding;
      call.out.routing_weights[row + slot] = divide(weight[s], sum, inverse);
    }
    if (kCounted && wanted && slot < num) atomicAdd(&histogram[share.entry[s].expert], 1);
  }
  if (wanted && Group::lane() == 0) call.out.num_selected[t] = num;
  if (call.max_k <= Group::kRoom || !wanted) return;
#pragma unroll 1
  for (unsigned slot = Group::kRoom + Group::lane(); slot < static_cast<unsigned>(call.max_k);
       slot += Group::kLanes)
    call.out.expert_ids[row + slot] = padding, call.out.routing_weights[row + slot] = 0.0f;
}

/// Routes the token of each group of the warp; true: the group's token is rare and nothing is
/// written. All lanes call it; `wanted`: the group has a token; `least`: fewer candidates are too
/// few.
template <class Group, bool kCounted>
__device__ bool route_plain_token(const Call& call, unsigned t, bool wanted,
                                  const float (&logits)[Group::kValues], const float* critical,
                                  float lowest, int least, int padding, Entry* list,
                                  int* histogram) {
  float max = logits[0];
#pragma unroll
  for (int v = 1; v < Group::kValues; ++v) max = fmaxf(max, logits[v]);
  max = fmaxf(Group::max(max), -INFINITY);  // a number even if there is none
  const float sum = plain_sum<Group>(logits, max, call.softmax);
  PlainCandidates found = plain_candidates<Group>(logits, max, critical, lowest, call.num_experts);
  if (!wanted) least = 0;
  if (__any_sync(kWarp, found.full || found.count.all < least))
    narrow<Group>(logits, max, least, call.max_k, found);
  const bool rare = !(sum > 0.9f && sum < 1025.0f) || found.count.all > Group::kRoom ||
                    found.count.all < (found.full ? call.max_k : least);
  if (rare) found = {nanf(""), {0, 0}, false};  // lists nothing, not even +inf
  list_plain<Group>(logits, found, list);
  __syncwarp();
  PlainShare<Group> share;
  rank_plain<Group>(list, found.count.all, share);
  int passed = plain_passed<Group>(share, critical);
  if (found.full) passed = call.max_k;
  const int num = ::min(::min(::max(passed, call.min_k), call.max_k), found.count.all);
  write_plain<Group, kCounted>(call, t, share, num, max, sum, padding, histogram, wanted && !rare);
  __syncwarp();
  return rare && wanted;
}

/// The whole way for the tokens of the warp whose groups say so, one after another, the warp's
/// lanes together. Seldom called, and apart from the kernel's body, whose registers it must not
/// take.
template <class T, int kWarpValues>
__noinline__ __device__ void route_rare(const Call& call, unsigned t, unsigned rare,
                                        const float* critical, Entry* list, int* histogram) {
  using Group = TokenGroup<32, kWarpValues, 1>;
  for (; rare != 0; rare &= rare - 1) {
    Token<T, kWarpValues> token;
    token.index = __shfl_sync(kWarp, t, __ffs(rare) - 1);
    token.row = static_cast<const T*>(call.logits) + token.index * call.token_stride;
    Group::load(token.row, call.num_experts, token.logits);
    route_token<Group>(call, token, critical, list, histogram);
  }
}

}  // namespace bhroute::kernels::cuda
