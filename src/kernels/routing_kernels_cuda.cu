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
#include "kernels/softmax_cuda.cuh"
#include "kernels/stream_order_cuda.cuh"
#include "kernels/temperature.h"
#include "kernels/token_selection_cuda.cuh"

namespace bhroute::kernels {
namespace cuda {
namespace {

constexpr int kThreads = 128;
constexpr int kChunkThreads =
    512;  // where a block holds a chunk of tokens, for all of it to be under way at once
constexpr int kMostThreads = 1024;  // of a multiprocessor: 64 registers each

/// A call, as the kernel reads it. critical_logits null: min_k = max_k largest logits.
struct Call {
  const void* logits;
  const float* critical_logits;
  std::size_t num_tokens, token_stride;
  int num_experts, min_k, max_k, own_top_k;
  TestedStatistic statistic;
  bool down;
  WeightScale weight_scale;
  SoftmaxScale softmax;
  RouteOutputs out;
  CudaRouteExtras extras;
  int* histograms;  // [chunks, num_experts]: how often each chunk of tokens selects each expert;
                    // null = not wanted
  std::size_t chunk_size;  // tokens of a block, which then has them side by side
};

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
__device__ int unselected_id(const Call& call, const Entry* row, int num, int slot) {
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

/// The experts of rank below `num` with their weights, in order, in place of the list.
template <class Group, int kSlots, int kValues>
__device__ void weigh(const Call& call, const float (&logits)[kValues], float max,
                      const Share<kSlots>& share, int num, Entry* row) {
  float weight[kSlots];
  double sum = 0.0;
#pragma unroll
  for (int s = 0; s < kSlots; ++s) {
    weight[s] = share.rank[s] < num ? exp_weight(share.entry[s].number, max, call.softmax) : 0.0f;
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
  weigh<Group>(call, token.logits, token.max, share, num, list);
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

/// The tokens of a block: every gridDim.x-th set of groups, or side by side where chunks are
/// counted.
struct BlockTokens {
  std::size_t first, end, step;
};
__device__ BlockTokens tokens_of_block(const Call& call, int groups) {
  if (call.histograms == nullptr)
    return {static_cast<std::size_t>(blockIdx.x) * groups, call.num_tokens,
            static_cast<std::size_t>(gridDim.x) * groups};
  const std::size_t first = blockIdx.x * call.chunk_size;
  return {first, ::min(first + call.chunk_size, call.num_tokens), static_cast<std::size_t>(groups)};
}

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
  for (int e = threadIdx.x; e < n; e += kThreads)
    call.histograms[static_cast<std::size_t>(blockIdx.x) * n + e] = histogram[e];
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

/// Few tokens leave the GPU idle, so each gets many lanes; many are packed closely.
template <class T>
CudaLaunch launch_by_size(const Call& call, cudaStream_t stream) {
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
         (!counted || extras.scratch != nullptr) &&
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
                  counted ? extras.scratch : nullptr,
                  chunk_size(in.num_tokens)};
  CudaLaunch launched = CudaLaunch::ok;
  if (in.num_tokens > 0) launched = launch_by_type(in.logit_type, call, stream);
  if (launched != CudaLaunch::ok || !counted) return launched;
  return compress_rows_cuda(
      {extras.scratch, out.expert_ids, out.num_selected, in.num_tokens, call.num_experts,
       call.max_k, extras.expert_counts, extras.row_offsets, extras.row_pairs},
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
  return std::max<std::size_t>(cuda::num_chunks(num_tokens), 1) * num_experts;
}

}  // namespace bhroute::kernels
