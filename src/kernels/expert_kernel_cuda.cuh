#pragma once
// The step-up where each expert has a null of its own: a warp holds a token. Each expert's rank is
// found in its own row of critical logits, the experts of each rank are counted, and only those
// that may be selected get a p-value, by which pairs of them are compared.

#include <cfloat>
#include <cmath>

#include "bhroute/kernels/expert_nulls.h"
#include "kernels/plain_kernel_cuda.cuh"
#include "kernels/stream_order_cuda.cuh"
#include "kernels/token_route_cuda.cuh"

namespace bhroute::kernels::cuda {

inline constexpr int kMostSharedExperts = 64;  // above, the rows stay in global memory and L1

/// Rows of critical logits in shared memory lie an odd number apart, lest lanes share a bank.
__host__ __device__ inline int expert_row_stride(int num_experts) {
  return num_experts <= kMostSharedExperts ? num_experts | 1 : num_experts;
}
__host__ __device__ inline int num_shared_critical(int num_experts) {
  return num_experts <= kMostSharedExperts ? num_experts * expert_row_stride(num_experts) : 0;
}
inline std::size_t expert_shared_bytes(int num_experts, int num_threads) {
  const auto n = static_cast<std::size_t>(num_experts);
  const std::size_t warps = static_cast<std::size_t>(num_threads) / 32;
  return warps * n * (sizeof(double) + sizeof(Entry) + sizeof(int)) + n * sizeof(int) +
         static_cast<std::size_t>(num_shared_critical(num_experts)) * sizeof(float);
}

/// A warp's shared memory, and what its block shares.
struct ExpertShared {
  double* p;     // [num_experts] the candidates' p-values
  Entry* list;   // [num_experts] the candidates
  int* reached;  // [num_experts] how many experts meet each rank's critical logit
  int* histogram;
  float* critical;
};

__device__ inline ExpertShared expert_shared(double* memory, int num_experts, int warps) {
  const int n = num_experts, warp = threadIdx.x / 32;
  Entry* lists = reinterpret_cast<Entry*>(memory + warps * n);
  int* counts = reinterpret_cast<int*>(lists + warps * n);
  int* histogram = counts + warps * n;
  return {memory + warp * n, lists + warp * n, counts + warp * n, histogram,
          reinterpret_cast<float*>(histogram + n)};
}

/// Expert e's critical logits begin at e * stride.
struct ExpertRows {
  const float* critical;
  int stride, num_experts;
};

/// The ranks from 0 whose critical logits the lane's experts meet first; num_experts: none. A row
/// is NaN first, then falls, so who meets none of it fails at its end: most do.
template <class Group, int kValues>
__device__ void find_ranks(const float (&statistic)[kValues], const ExpertRows& rows,
                           int (&rank)[kValues]) {
  const int n = rows.num_experts;
  const float* row[kValues];
#pragma unroll
  for (int v = 0; v < kValues; ++v) {
    const bool inside = Group::expert(v) < n;
    row[v] = rows.critical + (inside ? Group::expert(v) : 0) * rows.stride;
    rank[v] = inside && statistic[v] >= row[v][n - 1] ? 0 : n;
  }
#pragma unroll 1
  for (int step = 1 << (31 - __clz(n)); step > 0; step /= 2) {
#pragma unroll
    for (int v = 0; v < kValues; ++v) {
      const int next = rank[v] + step;
      if (next < n && !(statistic[v] >= row[v][next - 1])) rank[v] = next;
    }
  }
}

/// reached[k] = how many of the warp's experts have rank k or a lower one.
template <class Group, int kValues>
__device__ void count_reached(const int (&rank)[kValues], int n, int* reached) {
  for (int k = Group::lane(); k < n; k += Group::kLanes) reached[k] = 0;
  __syncwarp();
#pragma unroll
  for (int v = 0; v < kValues; ++v)
    if (rank[v] < n) atomicAdd(&reached[rank[v]], 1);
  __syncwarp();
  int below = 0;
  for (int base = 0; base < n; base += Group::kLanes) {
    const int k = base + Group::lane();
    const int own = k < n ? reached[k] : 0;
    const int before = below + Group::sum_before(own);
    if (k < n) reached[k] = before + own;
    below += Group::sum(own);
  }
  __syncwarp();
}

template <class Group>
__device__ int num_passed(const int* reached, int n, bool down) {
  int passed = 0, failed = n;
  for (int k = Group::lane(); k < n; k += Group::kLanes) {
    if (reached[k] > k)
      passed = k + 1;
    else
      failed = ::min(failed, k);
  }
  return down ? Group::min(failed) : Group::max(passed);
}

/// The first rank that `want` experts reach: those up to it have the smallest p-values. n, that is
/// every expert, where too few pass.
template <class Group>
__device__ int rank_reaching(const int* reached, int n, int want) {
  int rank = n;
  for (int k = Group::lane(); k < n; k += Group::kLanes)
    if (reached[k] >= want) rank = ::min(rank, k);
  return Group::min(rank);
}

/// Lists the numbers among the experts of rank `last` or lower with their p-values; returns how
/// many. Each logit is read again, from L1.
template <class Group, class T, int kValues>
__device__ int list_by_null(const Token<T, kValues>& token, const int (&rank)[kValues], int last,
                            int num_experts, const double* nulls, const ExpertShared& shared) {
  unsigned mask = 0;
#pragma unroll
  for (int v = 0; v < kValues; ++v)
    if (Group::expert(v) < num_experts && rank[v] <= last && token.logits[v] == token.logits[v])
      mask |= 1u << v;
  const int own = __popc(mask);
  for (int place = Group::sum_before(own); mask != 0; mask &= mask - 1, ++place) {
    const int expert = Group::expert(__ffs(mask) - 1);
    const float logit = to_float(token.row[expert]);
    const double p = expert_p_value(nulls, expert, token.tested(logit));
    shared.p[place] = p == p ? p : static_cast<double>(INFINITY);
    shared.list[place] = {logit, expert};
  }
  return Group::sum(own);
}

/// Ranks by p, then the larger logit, then the index.
template <class Group, int kSlots>
__device__ void rank_by_p(const ExpertShared& shared, int count, Share<kSlots>& share) {
  double p[kSlots];
#pragma unroll
  for (int s = 0; s < kSlots; ++s) {
    const bool taken = share.rank[s] != kNoRank;
    p[s] = taken ? shared.p[share.rank[s]] : 0.0;
    if (taken) share.rank[s] = 0;
  }
  for (int j = 0; j < count; ++j) {
    const double other_p = shared.p[j];
    const Entry other = shared.list[j];
#pragma unroll
    for (int s = 0; s < kSlots; ++s) {
      if (share.rank[s] == kNoRank) break;
      if (other_p < p[s] || (other_p == p[s] && comes_before(other, share.entry[s])))
        ++share.rank[s];
    }
  }
}

/// What the selected are weighed against: the token's largest logit, or, where the weights are
/// theirs alone, the largest of them.
template <class Group, int kSlots>
__device__ float weight_reference(const Call& call, float max, const Share<kSlots>& share,
                                  int num) {
  if (call.weight_scale == WeightScale::none) return max;
  float reference = -INFINITY;
#pragma unroll
  for (int s = 0; s < kSlots; ++s)
    if (share.rank[s] < num) reference = fmaxf(reference, share.entry[s].number);
  return Group::max(reference);
}

/// Reads one token, its statistic too.
template <class Group, class T, int kValues>
__device__ Token<T, kValues> read_token(const Call& call, std::size_t index) {
  Token<T, kValues> token{};
  token.index = index;
  token.row = static_cast<const T*>(call.logits) + index * call.token_stride;
  Group::load(token.row, call.num_experts, token.logits);
  float max = -INFINITY;
#pragma unroll
  for (int v = 0; v < kValues; ++v) max = fmaxf(max, token.logits[v]);
  token.max = Group::max(max);
  if (call.statistic != TestedStatistic::logit)
    token.tested = test_token<Group>(call.statistic, token.row, call.num_experts, token.max);
  return token;
}

/// Routes the warp's token.
template <class Group, class T, int kValues>
__device__ void route_expert_token(const Call& call, const Token<T, kValues>& token,
                                   const ExpertRows& rows, const double* nulls,
                                   const ExpertShared& shared) {
  const int n = call.num_experts;
  float statistic[kValues];
  int rank[kValues];
#pragma unroll
  for (int v = 0; v < kValues; ++v) statistic[v] = token.tested(token.logits[v]);
  find_ranks<Group>(statistic, rows, rank);
  count_reached<Group>(rank, n, shared.reached);
  const int passed = num_passed<Group>(shared.reached, n, call.down);
  const int want = ::min(::max(passed, call.min_k), call.max_k);
  const int last = rank_reaching<Group>(shared.reached, n, want);
  const int count = list_by_null<Group>(token, rank, last, n, nulls, shared);
  __syncwarp();
  Share<kValues> share;
  read_share<Group>(shared.list, count, share);
  rank_by_p<Group>(shared, count, share);
  const int num = ::min(want, count);
  const float reference = weight_reference<Group>(call, token.max, share, num);
  weigh<Group>(call, token.logits, token.max, reference, share, num, shared.list);
  write_row<Group>(call, token.index, shared.list, num);
  write_extras<Group>(call, token.index, shared.list, num, shared.histogram);
  __syncwarp();  // the list is read before the next token's is written
}

/// Copies the critical logits into shared memory where they fit, and clears the counts.
__device__ inline ExpertRows share_rows(const Call& call, const ExpertShared& shared,
                                        int num_threads) {
  const int n = call.num_experts, stride = expert_row_stride(n);
  if (call.histograms != nullptr)
    for (int e = threadIdx.x; e < n; e += num_threads) shared.histogram[e] = 0;
  if (n > kMostSharedExperts) return {call.critical_logits, stride, n};
  for (int i = threadIdx.x; i < n * n; i += num_threads)
    shared.critical[i / n * stride + i % n] = call.critical_logits[i];
  return {shared.critical, stride, n};
}

template <class T, int kValues, int kThreads>
__global__ void __launch_bounds__(kThreads)
    route_experts(const __grid_constant__ Call call, const double* nulls) {
  using Group = TokenGroup<32, kValues, 1>;
  constexpr int kWarps = kThreads / 32;
  extern __shared__ double expert_memory[];
  const ExpertShared shared = expert_shared(expert_memory, call.num_experts, kWarps);
  const ExpertRows rows = share_rows(call, shared, kThreads);
  const auto [first, end, step] = tokens_of_block(call, kWarps);
  __syncthreads();
  wait_for_stream();
  for (std::size_t t = first + threadIdx.x / 32; t < end; t += step)
    route_expert_token<Group>(call, read_token<Group, T, kValues>(call, t), rows, nulls, shared);
  if (call.histograms == nullptr) return;
  __syncthreads();
  write_histogram(call, shared.histogram, kThreads);
}

}  // namespace bhroute::kernels::cuda
