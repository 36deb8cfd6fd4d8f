// One launch routes a batch; what else a caller asks for (counts, compressed rows) takes a second.

#include <cuda_runtime.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cfloat>
#include <climits>
#include <cmath>

#include "bhroute/kernels/routing_kernels_cuda.h"
#include "kernels/compressed_rows_cuda.cuh"
#include "kernels/plain_kernel_cuda.cuh"
#include "kernels/temperature.h"
#include "kernels/token_route_cuda.cuh"

namespace bhroute::kernels {
namespace cuda {
namespace {

constexpr int kThreads = 128;
constexpr int kChunkThreads =
    512;  // where a block holds a chunk of tokens, for all of it to be under way at once
constexpr int kMostThreads = 1024;  // of a multiprocessor: 64 registers each

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

int num_multiprocessors() {
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
  if (bytes > 48 * 1024 && cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                                static_cast<int>(bytes)) != cudaSuccess)
    return CudaLaunch::failed;
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

constexpr int kMostRoom = 16;  // candidates; with fewer places many rows of many experts overflow
constexpr std::size_t kFewTokens = 4096;  // up to here more lanes a token pay

template <class T, int kRoom, int kThreads, int kBlocks, bool kCounted>
CudaLaunch launch_plain_by_size(const Call& call, cudaStream_t stream) {
  if (call.num_experts <= 32)
    return launch_plain<T, PlainGroup<4, 8, kRoom>, kThreads, kBlocks, kCounted>(call, stream);
  if (call.num_experts <= 64)
    return launch_plain<T, PlainGroup<8, 8, kRoom>, kThreads, kBlocks, kCounted>(call, stream);
  if (call.num_experts > 128)
    return launch_plain<T, PlainGroup<32, 8, kMostRoom>, kThreads, kBlocks, kCounted>(call, stream);
  if (call.num_tokens <= kFewTokens || kCounted)
    return launch_plain<T, PlainGroup<16, 8, kMostRoom>, kThreads, kBlocks, kCounted>(call, stream);
  return launch_plain<T, PlainGroup<8, 16, kMostRoom>, kThreads, kBlocks, kCounted>(call, stream);
}

/// Counted: a block has a chunk of tokens, so small chunks get all their threads at once.
template <class T, int kRoom>
CudaLaunch launch_plain_by_count(const Call& call, cudaStream_t stream) {
  if (call.histograms == nullptr)
    return launch_plain_by_size<T, kRoom, 256, 4, false>(call, stream);
  if (call.chunk_size <= kTile) return launch_plain_by_size<T, kRoom, 1024, 1, true>(call, stream);
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

SoftmaxScale softmax_scale(double temperature) {
  constexpr double kLog2E = 1.4426950408889634;
  const double inverse = inverse_temperature(temperature);
  const double exact = std::clamp<double>(inverse * kLog2E, FLT_MIN, FLT_MAX);
  const float high = static_cast<float>(exact);
  return {high, high > 1e6f ? 0.0f : static_cast<float>(exact - high)};
}

bool valid(const CudaRouteInputs& in, std::size_t min_k, std::size_t max_k,
           const CudaRouteExtras& extras) {
  const bool counted = extras.expert_counts != nullptr || extras.row_offsets != nullptr;
  return in.num_experts >= 1 && in.num_experts <= kMaxExpertsCuda && in.temperature > 0.0 &&
         min_k >= 1 && min_k <= max_k && max_k <= in.num_experts &&
         (in.num_tokens <= 1 || in.token_stride >= in.num_experts) &&
         (extras.row_offsets != nullptr || extras.row_pairs == nullptr) &&
         (extras.row_offsets == nullptr || extras.row_pairs != nullptr || in.num_tokens == 0) &&
         (!counted || (extras.scratch != nullptr &&
                       reinterpret_cast<std::uintptr_t>(extras.scratch) % 16 == 0)) &&
         (extras.row_pairs == nullptr || in.num_tokens < (std::size_t{1} << 31) / max_k);
}

CudaLaunch launch_by_type(LogitType type, const Call& call, cudaStream_t stream) {
  switch (type) {
    case LogitType::float32:
      return launch_by_size<float>(call, stream);
    case LogitType::bf16:
      return launch_by_size<__nv_bfloat16>(call, stream);
    case LogitType::f16:
      return launch_by_size<__half>(call, stream);
  }
  return CudaLaunch::invalid_arguments;
}

CudaLaunch route_batch(const CudaRouteInputs& in, const float* critical_logits, bool down,
                       std::size_t min_k, std::size_t max_k, const RouteOutputs& out,
                       cudaStream_t stream, const CudaRouteExtras& extras) {
  if (!valid(in, min_k, max_k, extras)) return CudaLaunch::invalid_arguments;
  const bool counted = extras.expert_counts != nullptr || extras.row_offsets != nullptr;
  const Call call{in.logits,
                  critical_logits,
                  in.num_tokens,
                  in.token_stride,
                  static_cast<int>(in.num_experts),
                  static_cast<int>(min_k),
                  static_cast<int>(max_k),
                  static_cast<int>(std::clamp<std::size_t>(in.own_top_k, 1, in.num_experts)),
                  in.statistic,
                  down,
                  in.weight_scale,
                  softmax_scale(in.temperature),
                  out,
                  extras,
                  counted ? reinterpret_cast<std::uint16_t*>(extras.scratch) : nullptr,
                  chunk_size(in.num_tokens)};
  CudaLaunch launched = CudaLaunch::ok;
  if (in.num_tokens > 0) launched = launch_by_type(in.logit_type, call, stream);
  if (launched != CudaLaunch::ok || !counted) return launched;
  return compress_rows_cuda(
      {call.histograms, out.expert_ids, out.num_selected, in.num_tokens, call.num_experts,
       call.max_k, extras.unselected == Unselected::distinct, extras.expert_counts,
       extras.row_offsets, extras.row_pairs},
      stream);
}

}  // namespace
}  // namespace cuda

CudaLaunch route_step_up_cuda(const CudaRouteInputs& in, const float* critical_logits,
                              std::size_t min_k, std::size_t max_k, const RouteOutputs& out,
                              CUstream_st* stream, const CudaRouteExtras& extras) noexcept {
  if (critical_logits == nullptr) return CudaLaunch::invalid_arguments;
  return cuda::route_batch(in, critical_logits, false, min_k, max_k, out, stream, extras);
}

CudaLaunch route_step_down_cuda(const CudaRouteInputs& in, const float* critical_logits,
                                std::size_t min_k, std::size_t max_k, const RouteOutputs& out,
                                CUstream_st* stream, const CudaRouteExtras& extras) noexcept {
  if (critical_logits == nullptr) return CudaLaunch::invalid_arguments;
  return cuda::route_batch(in, critical_logits, true, min_k, max_k, out, stream, extras);
}

CudaLaunch route_top_k_cuda(const CudaRouteInputs& in, std::size_t top_k, const RouteOutputs& out,
                            CUstream_st* stream, const CudaRouteExtras& extras) noexcept {
  return cuda::route_batch(in, nullptr, false, top_k, top_k, out, stream, extras);
}

std::size_t num_scratch_cuda(std::size_t num_tokens, std::size_t num_experts) noexcept {
  const auto stride =
      static_cast<std::size_t>(cuda::histogram_stride(static_cast<int>(num_experts)));
  return std::max<std::size_t>(cuda::num_chunks(num_tokens), 1) * stride / 2;
}

}  // namespace bhroute::kernels
