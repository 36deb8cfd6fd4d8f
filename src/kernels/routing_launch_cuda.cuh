#pragma once
// Which kernel takes a batch, and how many lanes a token gets there. Compiled once for each type of
// logits, each in a source of its own, since it takes minutes.

#include <cuda_runtime.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>

#include "kernels/plain_kernel_cuda.cuh"
#include "kernels/token_route_cuda.cuh"

namespace bhroute::kernels::cuda {

inline constexpr int kThreads = 128;
inline constexpr int kChunkThreads =
    512;  // where a block holds a chunk of tokens, for all of it to be under way at once
inline constexpr int kMostThreads = 1024;  // of a multiprocessor: 64 registers each

/// Shared memory of a block: a list for each group, an entry apart lest their banks collide; then
/// the critical logits and the counts.
__host__ __device__ inline int list_size(int num_experts, int lanes) {
  return (num_experts > ::max(lanes, 8) ? num_experts : ::max(lanes, 8)) + 1;
}

template <class T, int kLanes, int kValues, int kVector, int kThreads>
__global__ void __launch_bounds__(kThreads, kMostThreads / kThreads)
    route(const __grid_constant__ Call call) {
  using Group = TokenGroup<kLanes, kValues, kVector>;
  constexpr int kGroups = kThreads / kLanes;
  extern __shared__ Entry shared[];
  const int group = threadIdx.x / kLanes, n = call.num_experts;
  const int stride = list_size(n, kLanes);
  Entry* list = shared + group * stride;
  float* critical = reinterpret_cast<float*>(shared + kGroups * stride);
  int* histogram = reinterpret_cast<int*>(critical + n);
  const auto [first, end, step] = tokens_of_block(call, kGroups);
  const std::size_t warp_first = (group / Group::kTokensPerWarp) * Group::kTokensPerWarp;
  Token<T, kValues> token;
  const auto load = [&](std::size_t base) {
    token.index = base + group;
    if (token.index >= end) token.index = call.num_tokens;
    token.row = static_cast<const T*>(call.logits) + token.index * call.token_stride;
    Group::load(token.row, token.index < call.num_tokens ? n : 0, token.logits);
  };
  wait_for_stream();
  load(first);  // on its way while the critical logits are
  for (int k = threadIdx.x; k < n; k += kThreads) {
    if (call.critical_logits != nullptr) critical[k] = call.critical_logits[k];
    if (call.histograms != nullptr) histogram[k] = 0;
  }
  __syncthreads();
  for (std::size_t base = first; base + warp_first < end;) {
    route_token<Group>(call, token, critical, list, histogram);
    base += step;
    if (base + warp_first < end) load(base);
  }
  if (call.histograms == nullptr) return;
  __syncthreads();
  write_histogram(call, histogram, kThreads);
}

inline int num_multiprocessors() {
  static std::array<std::atomic<int>, 64> known{};
  int device = 0, count = 0;
  if (cudaGetDevice(&device) != cudaSuccess || device < 0 || device >= 64) return 64;
  if (known[device] != 0) return known[device];
  if (cudaDeviceGetAttribute(&count, cudaDevAttrMultiProcessorCount, device) != cudaSuccess)
    return 64;
  return known[device] = count;
}

template <class T, int kLanes, int kValues, int kVector, int kThreads = cuda::kThreads>
CudaLaunch launch(const Call& call, cudaStream_t stream) {
  constexpr std::size_t kGroups = kThreads / kLanes;
  const auto n = static_cast<std::size_t>(call.num_experts);
  const std::size_t bytes = kGroups * list_size(call.num_experts, kLanes) * sizeof(Entry) +
                            n * (sizeof(float) + sizeof(int));
  const auto kernel = route<T, kLanes, kValues, kVector, kThreads>;
  const std::size_t blocks =
      call.histograms != nullptr
          ? (call.num_tokens + call.chunk_size - 1) / call.chunk_size
          : std::min<std::size_t>((call.num_tokens + kGroups - 1) / kGroups,
                                  static_cast<std::size_t>(num_multiprocessors()) * 16);
  return launch_in_order(kernel, static_cast<unsigned>(blocks), kThreads, bytes, stream, call);
}

/// A lane reads 4 logits at once where every row allows it; rows that do not take a warp each.
template <class T, int kLanes, int kValues, int kWarpValues, int kThreads = cuda::kThreads>
CudaLaunch launch_by_alignment(const Call& call, cudaStream_t stream) {
  constexpr int kVector = std::min(kValues, 4);
  const bool aligned = reinterpret_cast<std::uintptr_t>(call.logits) % (sizeof(T) * kVector) == 0;
  if (aligned && call.num_experts % kVector == 0 && call.token_stride % kVector == 0)
    return launch<T, kLanes, kValues, kVector, kThreads>(call, stream);
  return launch<T, 32, kWarpValues, 1>(call, stream);
}

template <class T, class Group, int kThreads, int kBlocks, bool kCounted>
CudaLaunch launch_plain(const Call& call, cudaStream_t stream) {
  if (!Group::can_hold(call.num_experts)) return CudaLaunch::invalid_arguments;
  constexpr std::size_t kGroups = kThreads / Group::kLanes;
  const auto bytes =
      static_cast<std::size_t>(plain_shared_bytes<Group>(call.num_experts, kThreads));
  const std::size_t blocks =
      kCounted ? (call.num_tokens + call.chunk_size - 1) / call.chunk_size
               : std::min<std::size_t>((call.num_tokens + kGroups - 1) / kGroups,
                                       static_cast<std::size_t>(num_multiprocessors()) * kBlocks);
  return launch_in_order(route_plain<T, Group, kThreads, kBlocks, kCounted>,
                         static_cast<unsigned>(blocks), kThreads, bytes, stream, call);
}

inline constexpr int kMostRoom = 16;  // candidates; with fewer places many rows of many experts overflow
/// Up to the first more lanes a token pay; beyond the second, where memory is the limit, fewer.
inline constexpr std::size_t kFewTokens = 8192, kManyTokens = 65536;

template <class T, int kRoom, int kThreads, int kBlocks, bool kCounted>
CudaLaunch launch_plain_by_size(const Call& call, cudaStream_t stream) {
  if (call.num_experts <= 32)
    return launch_plain<T, PlainGroup<4, 8, kRoom>, kThreads, kBlocks, kCounted>(call, stream);
  if (call.num_experts <= 64)
    return launch_plain<T, PlainGroup<8, 8, kRoom>, kThreads, kBlocks, kCounted>(call, stream);
  if (call.num_experts > 128)
    return launch_plain<T, PlainGroup<32, 8, kMostRoom>, kThreads, kBlocks, kCounted>(call, stream);
  return launch_plain<T, PlainGroup<16, 8, kMostRoom>, kThreads, kBlocks, kCounted>(call, stream);
}

/// More than kFewTokens, 33 to 128 experts, no counts.
template <class T, int kRoom>
CudaLaunch launch_plain_many(const Call& call, cudaStream_t stream) {
  const bool many = call.num_tokens > kManyTokens;
  if (call.num_experts > 64) {
    using Group = PlainGroup<8, 16, kMostRoom>;
    if (!Group::can_hold(call.num_experts)) return launch_plain_by_size<T, kRoom, 256, 4, false>(call, stream);
    return many ? launch_plain<T, Group, 512, 2, false>(call, stream)
                : launch_plain<T, Group, 256, 4, false>(call, stream);
  }
  if constexpr (kRoom <= 8) {
    using Group = PlainGroup<4, 16, kRoom>;
    if (many && Group::can_hold(call.num_experts))
      return launch_plain<T, Group, 512, 2, false>(call, stream);
  }
  return launch_plain<T, PlainGroup<8, 8, kRoom>, 512, 2, false>(call, stream);
}

/// Counted: a block has a chunk of tokens, so small chunks get all their threads at once, where
/// their lists are short enough for shared memory.
template <class T, int kRoom>
CudaLaunch launch_plain_by_count(const Call& call, cudaStream_t stream) {
  if (call.histograms == nullptr) {
    const bool middle = call.num_experts > 32 && call.num_experts <= 128;
    if (middle && call.num_tokens > kFewTokens) return launch_plain_many<T, kRoom>(call, stream);
    return launch_plain_by_size<T, kRoom, 256, 4, false>(call, stream);
  }
  if (call.chunk_size <= kTile && call.num_experts <= 128)
    return launch_plain_by_size<T, kRoom, 1024, 1, true>(call, stream);
  return launch_plain_by_size<T, kRoom, 512, 2, true>(call, stream);
}

/// Whether route_plain() can do it: rows of whole packs, numbers that fit into 32 bits.
template <class T>
bool is_plain(const Call& call) {
  const auto n = call.num_experts;
  return !call.down && call.statistic == TestedStatistic::logit &&
         call.extras.dense_weights == nullptr && call.extras.unselected != Unselected::distinct &&
         call.weight_scale != WeightScale::mass && n % 8 == 0 && n >= 16 && n <= 256 &&
         call.min_k <= 16 && call.token_stride % 8 == 0 && call.token_stride < (1u << 31) &&
         reinterpret_cast<std::uintptr_t>(call.logits) % 16 == 0 &&
         call.num_tokens <
             (std::size_t{1} << 31) / static_cast<std::size_t>(call.max_k) - (1u << 20);
}

template <class T>
CudaLaunch launch_plain_by_room(const Call& call, cudaStream_t stream) {
  if (call.max_k <= 8 && call.min_k <= 4) return launch_plain_by_count<T, 8>(call, stream);
  return launch_plain_by_count<T, kMostRoom>(call, stream);
}

/// Few tokens leave the GPU idle, so each gets many lanes; many are packed closely.
template <class T>
CudaLaunch launch_by_size(const Call& call, cudaStream_t stream) {
  if (is_plain<T>(call)) return launch_plain_by_room<T>(call, stream);
  const std::size_t tokens = call.num_tokens;
  const bool chunks = call.histograms != nullptr;
  if (call.num_experts <= 32) return launch_by_alignment<T, 8, 4, 2>(call, stream);
  if (call.num_experts <= 64) {
    if (chunks) return launch_by_alignment<T, 4, 16, 2, kChunkThreads>(call, stream);
    if (tokens <= 1024) return launch_by_alignment<T, 32, 2, 2>(call, stream);
    if (tokens <= 8192) return launch_by_alignment<T, 8, 8, 2>(call, stream);
    return launch_by_alignment<T, 4, 16, 2>(call, stream);
  }
  if (call.num_experts <= 128) {
    if (chunks) return launch_by_alignment<T, 8, 16, 4, kChunkThreads>(call, stream);
    if (tokens <= 1024) return launch_by_alignment<T, 32, 4, 4>(call, stream);
    if (tokens <= 8192) return launch_by_alignment<T, 16, 8, 4>(call, stream);
    return launch_by_alignment<T, 8, 16, 4>(call, stream);
  }
  if (call.num_experts <= 256) return launch_by_alignment<T, 32, 8, 8>(call, stream);
  return launch_by_alignment<T, 32, 16, 16>(call, stream);
}

}  // namespace bhroute::kernels::cuda
