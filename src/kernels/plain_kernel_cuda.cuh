#pragma once
// The kernel of plain_token_cuda.cuh: every group takes tokens in turn, the next one's logits on
// their way while it routes this one.

#include <climits>

#include "kernels/plain_token_cuda.cuh"
#include "kernels/stream_order_cuda.cuh"

namespace bhroute::kernels::cuda {

/// Tokens first, first + step, ... below end of a block; blocks with counts have theirs side by
/// side.
struct BlockTokens {
  std::size_t first, end, step;
};
__device__ inline BlockTokens tokens_of_block(const Call& call, int groups) {
  if (call.histograms == nullptr)
    return {static_cast<std::size_t>(blockIdx.x) * groups, call.num_tokens,
            static_cast<std::size_t>(gridDim.x) * groups};
  const std::size_t first = blockIdx.x * call.chunk_size;
  return {first, ::min(first + call.chunk_size, call.num_tokens), static_cast<std::size_t>(groups)};
}

/// What a warp keeps in shared memory, and what it reads there.
struct PlainShared {
  Entry* list;  // the group's
  const float* critical;
  int* histogram;  // with counts only
};

/// Entries a warp: the lists of its groups, or the one that route_rare() needs.
template <class Group>
__host__ __device__ int warp_list_size(int num_experts) {
  return ::max(Group::kWarpList, (::max(num_experts, 32) + 2) / 2 * 2);
}
template <class Group>
__host__ __device__ int plain_shared_bytes(int num_experts, int num_threads) {
  return num_threads / 32 * warp_list_size<Group>(num_experts) * static_cast<int>(sizeof(Entry)) +
         num_experts * static_cast<int>(sizeof(float) + sizeof(int));
}

/// The same number in a register of its own, which may be spilled around a call while the other is
/// not.
__device__ inline unsigned apart(unsigned x) {
#ifdef __CUDA_ARCH__
  asm volatile("mov.u32 %0, %0;" : "+r"(x));
#endif
  return x;
}

/// Routes tokens base, base + step, ... of the warp and those beside them. Stops where any of them
/// is rare: returns their lanes, with `base` at these tokens; 0 = the end. So no call lies in the
/// loop.
template <class T, class Group, bool kCounted>
__device__ unsigned route_until_rare(const Call& call, const PlainShared& shared,
                                     unsigned& warp_token, unsigned end, unsigned step) {
  unsigned base = warp_token;
  const int n = call.num_experts;
  const float lowest = shared.critical[n - 1];
  const int least = lowest == -INFINITY ? INT_MAX : call.min_k;  // lanes without experts hold -inf
  const int padding = call.extras.unselected == Unselected::minus_one ? -1 : n;
  const bool present = Group::lane() * Group::kValues < n;
  const unsigned stride = static_cast<unsigned>(call.token_stride);
  const T* lane_logits = static_cast<const T*>(call.logits) + Group::lane() * Group::kValues;
  RowPack<Group, T> next;
  next.clear();
  unsigned t = base + Group::in_warp();
  if (t < end && present) next.load(lane_logits + static_cast<std::size_t>(t) * stride);
  // A group without a token takes part all the same: one number keeps it from the slow ways.
  if (t >= end && Group::lane() == 0) next.pack[0].item[0] = T(0.0f);
  for (; base < end; base += step) {
    float logits[Group::kValues];
    next.unpack(logits);
    const unsigned after = t + step;
    if (after < end && present) next.load(lane_logits + static_cast<std::size_t>(after) * stride);
    const bool rare =
        route_plain_token<Group, kCounted>(call, t, t < end, logits, shared.critical, lowest, least,
                                           padding, shared.list, shared.histogram);
    const unsigned rows = __ballot_sync(kWarp, rare && Group::lane() == 0);
    if (rows != 0) {
      warp_token = apart(base);
      return rows;
    }
    t = after;
  }
  return 0;
}

/// Before the wait: the group's first row is under way while the stream's last kernel ends.
template <class T, class Group>
__device__ void fetch_row_ahead(const Call& call, unsigned t, unsigned end) {
  const int first = Group::lane() * Group::kValues;
  if (t >= end || first >= call.num_experts) return;
  fetch_ahead(static_cast<const T*>(call.logits) + t * call.token_stride + first);
}

template <class T, class Group, int kThreads, int kBlocks, bool kCounted>
__global__ void __launch_bounds__(kThreads, kBlocks)
    route_plain(const __grid_constant__ Call call) {
  constexpr int kWarpValues =
      Group::kLanes * Group::kValues <= 32 ? 1 : Group::kLanes * Group::kValues / 32;
  extern __shared__ uint4 memory[];
  const int n = call.num_experts, list_size = warp_list_size<Group>(n);
  Entry* lists = reinterpret_cast<Entry*>(memory);
  Entry* warp_list = lists + threadIdx.x / 32 * list_size;
  float* critical = reinterpret_cast<float*>(lists + kThreads / 32 * list_size);
  int* histogram = reinterpret_cast<int*>(critical + n);
#pragma unroll 1
  for (int k = threadIdx.x; k < n; k += kThreads) {
    // Constant, so read before the wait; without any, no rank passes and min_k = max_k are taken.
    critical[k] = call.critical_logits != nullptr ? call.critical_logits[k] : nanf("");
    if (kCounted) histogram[k] = 0;
  }
  const PlainShared shared{warp_list + Group::in_warp() * Group::kListStride, critical, histogram};
  const BlockTokens tokens = tokens_of_block(call, kThreads / Group::kLanes);
  unsigned base = static_cast<unsigned>(tokens.first) + threadIdx.x / 32 * Group::kTokensPerWarp;
  fetch_row_ahead<T, Group>(call, base + Group::in_warp(), static_cast<unsigned>(tokens.end));
  __syncthreads();
  wait_for_stream();
  while (const unsigned rows = route_until_rare<T, Group, kCounted>(
             call, shared, base, static_cast<unsigned>(tokens.end),
             static_cast<unsigned>(tokens.step))) {
    route_rare<T, kWarpValues>(call, base + Group::in_warp(), rows, critical, warp_list, histogram);
    base += static_cast<unsigned>(tokens.step);
  }
  if (!kCounted) return;
  __syncthreads();
  write_histogram(call, histogram, kThreads);
}

}  // namespace bhroute::kernels::cuda
