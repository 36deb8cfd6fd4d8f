#pragma once
// The whole way of one token, whatever is asked for: a group of lanes lists, ranks, tests, weighs
// and writes.

#include <cmath>

#include "kernels/route_call_cuda.cuh"
#include "kernels/token_selection_cuda.cuh"

namespace bhroute::kernels::cuda {

/// Sum of exp((r - max)/T) over the `own_top_k` largest.
template <class Group, int kValues>
__device__ double own_sum(int (&keys)[kValues], int own_top_k, float max, SoftmaxScale scale) {
  double sum = 0.0;
  for (int i = 0, expert = 0; i < own_top_k; ++i) {
    const int key = take_largest<Group>(keys, expert);
    if (key != kNoKey) sum += exp_weight(logit_of(key), max, scale);
  }
  return sum;
}

template <int kValues>
__device__ void make_keys(const float (&logits)[kValues], int (&keys)[kValues]) {
#pragma unroll
  for (int v = 0; v < kValues; ++v) keys[v] = key_of(logits[v]);
}

/// What the exps of the selected are divided by; `selected` is their sum. The largest logit is
/// among them.
template <class Group, int kValues>
__device__ float weight_divisor(const Call& call, const float (&logits)[kValues], float max,
                                double selected) {
  if (call.weight_scale == WeightScale::one) return static_cast<float>(selected);
  const float all = sum_exp<Group>(logits, max, call.softmax);
  if (call.weight_scale == WeightScale::none) return all;
  int keys[kValues];
  make_keys(logits, keys);
  return static_cast<float>(selected * all /
                            own_sum<Group>(keys, call.own_top_k, max, call.softmax));
}

/// The id of a slot that no expert takes; `row` holds the `num` selected. Distinct: the smallest
/// ids that the row has not, in order.
__device__ inline int unselected_id(const Call& call, const Entry* row, int num, int slot) {
  if (call.extras.unselected == Unselected::minus_one) return -1;
  if (call.extras.unselected == Unselected::num_experts) return call.num_experts;
  int id = slot - num;
  for (int last = -1; last != id;) {
    last = id;
    id = slot - num;
    for (int i = 0; i < num; ++i) id += row[i].expert <= last ? 1 : 0;
  }
  return id;
}

/// A dense row, and the block's counts in shared memory.
template <class Group>
__device__ void write_extras(const Call& call, std::size_t t, const Entry* row, int num,
                             int* histogram) {
  if (call.extras.dense_weights != nullptr) {
    float* dense = call.extras.dense_weights + t * call.num_experts;
    for (int e = Group::lane(); e < call.num_experts; e += Group::kLanes) dense[e] = 0.0f;
    __syncwarp(Group::lanes());  // the zeros come first
    for (int i = Group::lane(); i < num; i += Group::kLanes) dense[row[i].expert] = row[i].number;
  }
  if (call.histograms != nullptr) {
    for (int i = Group::lane(); i < num; i += Group::kLanes)
      atomicAdd(&histogram[row[i].expert], 1);
  }
}

/// Slot by slot from the list, which holds the selected in order.
template <class Group>
__device__ void write_row(const Call& call, std::size_t t, const Entry* row, int num) {
  const std::size_t first = t * call.max_k;
  for (int slot = Group::lane(); slot < call.max_k; slot += Group::kLanes) {
    const bool taken = slot < num;
    call.out.expert_ids[first + slot] =
        taken ? row[slot].expert : unselected_id(call, row, num, slot);
    call.out.routing_weights[first + slot] = taken ? row[slot].number : 0.0f;
  }
  if (Group::lane() == 0) call.out.num_selected[t] = num;
}

/// The experts of rank below `num` with their weights, in order, in place of the list. `reference`:
/// the logit whose weight before scaling is 1.
template <class Group, int kSlots, int kValues>
__device__ void weigh(const Call& call, const float (&logits)[kValues], float max, float reference,
                      const Share<kSlots>& share, int num, Entry* row) {
  float weight[kSlots];
  double sum = 0.0;
#pragma unroll
  for (int s = 0; s < kSlots; ++s) {
    weight[s] =
        share.rank[s] < num ? exp_weight(share.entry[s].number, reference, call.softmax) : 0.0f;
    if (call.weight_scale != WeightScale::none) sum += static_cast<double>(weight[s]);
  }
  if (call.weight_scale != WeightScale::none) sum = Group::sum(sum);
  const float divisor = weight_divisor<Group>(call, logits, max, sum);
  __syncwarp();  // every lane has read its share
#pragma unroll
  for (int s = 0; s < kSlots; ++s) {
    if (share.rank[s] < num) row[share.rank[s]] = {weight[s] / divisor, share.entry[s].expert};
  }
  __syncwarp();
}

/// What a group knows of its token.
template <class T, int kValues>
struct Token {
  std::size_t index;
  const T* row;
  float logits[kValues];
  float max;
  Tested tested;
  Candidates candidates;
};

/// Lists, ranks, tests, weighs and writes, a lane having room for kSlots of the listed. `list` and
/// `histogram` are shared memory.
template <class Group, int kSlots, class T, int kValues>
__device__ void route_listed(const Call& call, const Token<T, kValues>& token,
                             const float* critical, Entry* list, int* histogram) {
  int count = token.candidates.count;
  const bool too_few = count < call.min_k;  // no rank beyond `count` can pass: min_k decides
  list_candidates<Group>(token.row, too_few ? 0u : token.candidates.mask, list);
  if (__any_sync(kWarp, too_few)) {
    int keys[kValues];
    make_keys(token.logits, keys);
    const int taken = order_largest<Group>(keys, too_few ? call.min_k : 0, list);
    if (too_few) count = taken;
  }
  __syncwarp();
  Share<kSlots> share;
  read_share<Group>(list, count, share);
  if (!too_few) rank_pairs(list, count, share);
  int num = count;
  if (call.critical_logits != nullptr) {
    const int passed = call.down ? step_down<Group>(share, count, token.tested, critical)
                                 : step_up<Group>(share, token.tested, critical);
    if (!too_few) num = ::min(::max(passed, call.min_k), count);
  }
  num = ::min(num, call.max_k);
  weigh<Group>(call, token.logits, token.max, token.max, share, num, list);
  if (token.index >= call.num_tokens) return;
  write_row<Group>(call, token.index, list, num);
  write_extras<Group>(call, token.index, list, num, histogram);
}

/// The same with room for every expert. Seldom taken, and apart from the kernel's body, whose
/// registers it must not take: it reads the logits again.
template <class Group, int kValues, class T>
__noinline__ __device__ void route_long_list(const Call& call, std::size_t index, const T* row,
                                             float max, Candidates candidates, const Tested& tested,
                                             const float* critical, Entry* list, int* histogram) {
  Token<T, kValues> token{index, row, {}, max, tested, candidates};
  Group::load(row, index < call.num_tokens ? call.num_experts : 0, token.logits);
  route_listed<Group, kValues>(call, token, critical, list, histogram);
}

template <class Group, class T, int kValues>
__device__ Candidates candidates_of(const Call& call, const Token<T, kValues>& token,
                                    const float* critical) {
  if (call.critical_logits == nullptr) return {0, 0};
  if (call.statistic == TestedStatistic::logit)
    return find_candidates<Group>(token.logits, critical, call.num_experts);
  float statistic[kValues];
#pragma unroll
  for (int v = 0; v < kValues; ++v) statistic[v] = token.tested(token.logits[v]);
  return find_candidates<Group>(statistic, critical, call.num_experts);
}

/// Routes the token of each group of the warp.
template <class Group, class T, int kValues>
__device__ void route_token(const Call& call, Token<T, kValues>& token, const float* critical,
                            Entry* list, int* histogram) {
  constexpr int kSlots = Group::kLanes >= 16 ? 1 : 16 / Group::kLanes;
  constexpr int kRoom = kSlots * Group::kLanes;
  float max = -INFINITY;
#pragma unroll
  for (int v = 0; v < kValues; ++v) max = fmaxf(max, token.logits[v]);
  token.max = Group::max(max);
  token.tested = Tested{};
  const int present = token.index < call.num_tokens ? call.num_experts : 0;
  if (call.statistic != TestedStatistic::logit)
    token.tested = test_token<Group>(call.statistic, token.row, present, token.max);
  Candidates& candidates = token.candidates;
  candidates = candidates_of<Group>(call, token, critical);
  if (__any_sync(kWarp, candidates.count ==
                            0)) {  // the largest stands in, lest few tokens hold up the warp
    if (candidates.count == 0) candidates.mask = at_least(token.logits, token.max);
    const int count = Group::sum(__popc(candidates.mask));
    if (candidates.count == 0) candidates.count = count;
  }
  if (__all_sync(kWarp, ::max(candidates.count, present == 0 ? 0 : call.min_k) <= kRoom))
    route_listed<Group, kSlots>(call, token, critical, list, histogram);
  else
    route_long_list<Group, kValues>(call, token.index, token.row, token.max, candidates,
                                    token.tested, critical, list, histogram);
  __syncwarp();
}

}  // namespace bhroute::kernels::cuda
