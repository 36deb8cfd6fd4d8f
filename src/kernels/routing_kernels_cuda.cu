// One launch routes a batch: a group of lanes holds one token. The step-up needs neither a sort nor
// a scan: with f(k) = #{experts whose statistic meets critical logit k}, which rises with k, no
// rank in (f(k), k] passes when f(k) < k. So k <- f(k) from k = N falls onto the largest rank that
// passes, in a few rounds, and the experts that meet its critical logit are exactly the selected
// ones. Only those are put in order.

#include <cuda_runtime.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cfloat>

#include "bhroute/kernels/routing_kernels_cuda.h"
#include "kernels/softmax_cuda.cuh"
#include "kernels/temperature.h"
#include "kernels/token_group_cuda.cuh"

namespace bhroute::kernels {
namespace cuda {
namespace {

constexpr int kThreads = 128;

/// A call, as the kernel reads it. critical_logits null: min_k = max_k largest logits.
struct Call {
  const void* logits;
  const float* statistic;
  const float* critical_logits;
  std::size_t num_tokens, token_stride;
  int num_experts, min_k, max_k, own_top_k;
  WeightScale weight_scale;
  SoftmaxScale softmax;
  RouteOutputs out;
};

/// The largest rank that passes; 0 if none.
template <class Group, int kValues>
__device__ int count_passed(const float (&statistic)[kValues], const float* critical, int n) {
  int k = n;
  while (true) {
    const float z = k > 0 ? critical[k - 1] : nanf("");
    int met = 0;
#pragma unroll
    for (int v = 0; v < kValues; ++v) met += statistic[v] >= z ? 1 : 0;
    met = Group::sum(met);
    const bool settled = met >= k;
    if (__all_sync(kWarp, settled)) return k;
    if (!settled) k = met;
  }
}

/// Lists the experts whose statistic reaches `bound`, in no order: at most num_experts.
template <class Group, int kValues>
__device__ void list_at_least(const float (&statistic)[kValues], const int (&keys)[kValues],
                              float bound, long long* list) {
  int mine = 0;
#pragma unroll
  for (int v = 0; v < kValues; ++v) mine += statistic[v] >= bound ? 1 : 0;
  int place = Group::sum_before(mine);
#pragma unroll
  for (int v = 0; v < kValues; ++v) {
    if (statistic[v] >= bound) list[place++] = order_of(keys[v], Group::expert(v));
  }
}

/// Puts the first `max_k` of `count` distinct listed experts in order, by comparing all pairs.
template <class Group>
__device__ void order_list(const long long* list, int count, int max_k, long long* ordered) {
  for (int i = Group::lane(); i < count; i += 32 / Group::kTokensPerWarp) {
    const long long mine = list[i];
    int rank = 0;
    for (int j = 0; j < count; ++j) rank += list[j] > mine ? 1 : 0;
    if (rank < max_k) ordered[rank] = mine;
  }
}

/// Takes the largest key out; returns its order, or one with kNoKey if there is none.
template <class Group, int kValues>
__device__ long long take_largest(int (&keys)[kValues]) {
  int key = keys[0];
#pragma unroll
  for (int v = 1; v < kValues; ++v) key = ::max(key, keys[v]);
  key = Group::max(key);
  int expert = INT_MAX;
#pragma unroll
  for (int v = kValues - 1; v >= 0; --v) {
    if (keys[v] == key) expert = ::min(expert, Group::expert(v));
  }
  expert = Group::min(expert);
#pragma unroll
  for (int v = 0; v < kValues; ++v) {
    if (Group::expert(v) == expert) keys[v] = kNoKey;
  }
  return order_of(key, expert);
}

/// Moves the `want` largest to `ordered`; returns how many numbers there were. `want` may differ
/// from group to group.
template <class Group, int kValues>
__device__ int order_largest(int (&keys)[kValues], int want, long long* ordered) {
  int num = 0;
  while (__any_sync(kWarp, num < want)) {
    const long long next = take_largest<Group>(keys);
    if (key_of_order(next) == kNoKey) want = ::min(want, num);
    if (num < want) {
      if (Group::lane() == 0) ordered[num] = next;
      ++num;
    }
  }
  return num;
}

/// Sum of exp((r - max)/T) over the `own_top_k` largest.
template <class Group, int kValues>
__device__ double own_sum(const int (&keys)[kValues], int own_top_k, float max, double scale) {
  int rest[kValues];
#pragma unroll
  for (int v = 0; v < kValues; ++v) rest[v] = keys[v];
  double sum = 0.0;
  for (int i = 0; i < own_top_k; ++i) {
    const int key = key_of_order(take_largest<Group>(rest));
    if (key != kNoKey) sum += exp_weight(logit_of(key), max, scale);
  }
  return sum;
}

/// Sum over the selected experts.
template <class Group>
__device__ double selected_sum(const long long* ordered, int num, float max, double scale) {
  constexpr int kLanes = 32 / Group::kTokensPerWarp;
  double sum = 0.0;
  for (int i = Group::lane(); i < num; i += kLanes)
    sum += exp_weight(logit_of(key_of_order(ordered[i])), max, scale);
#pragma unroll
  for (int step = kLanes / 2; step > 0; step /= 2) sum += __shfl_xor_sync(kWarp, sum, step);
  return sum;
}

/// What the exps of the selected are divided by. The token's largest logit is always among them.
template <class Group, int kValues>
__device__ float weight_divisor(const Call& call, const float (&logits)[kValues],
                                const int (&keys)[kValues], float max, const long long* ordered,
                                int num) {
  if (call.weight_scale == WeightScale::none)
    return sum_exp<Group>(logits, max, call.softmax.single);
  const double selected = selected_sum<Group>(ordered, num, max, call.softmax.exact);
  if (call.weight_scale == WeightScale::one) return static_cast<float>(selected);
  const double all = sum_exp<Group>(logits, max, call.softmax.single);
  return static_cast<float>(selected * all /
                            own_sum<Group>(keys, call.own_top_k, max, call.softmax.exact));
}

template <class Group>
__device__ void write_token(const Call& call, std::size_t token, const long long* ordered, int num,
                            float max, float divisor) {
  const std::size_t row = token * call.max_k;
  for (int slot = Group::lane(); slot < call.max_k; slot += 32 / Group::kTokensPerWarp) {
    const bool used = slot < num;
    const long long order = used ? ordered[slot] : 0;
    call.out.expert_ids[row + slot] = used ? expert_of_order(order) : -1;
    call.out.routing_weights[row + slot] =
        used ? exp_weight(logit_of(key_of_order(order)), max, call.softmax.exact) / divisor : 0.0f;
  }
  if (Group::lane() == 0) call.out.num_selected[token] = num;
}

/// Routes the token of each group of the warp. `list` and `ordered` are the group's.
template <class T, class Group, int kValues>
__device__ void route_token(const Call& call, std::size_t token, const float* critical,
                            long long* list, long long* ordered) {
  const int n = call.num_experts;
  const bool present = token < call.num_tokens;
  float logits[kValues], statistic[kValues];
  Group::load(static_cast<const T*>(call.logits) + token * call.token_stride, present ? n : 0,
              logits);
  int keys[kValues], largest = kNoKey;
#pragma unroll
  for (int v = 0; v < kValues; ++v) largest = ::max(largest, keys[v] = key_of(logits[v]));
  const float max = logit_of(Group::max(largest));
  int passed = 0;
  if (call.critical_logits != nullptr) {
#pragma unroll
    for (int v = 0; v < kValues; ++v) statistic[v] = logits[v];
    if (call.statistic != nullptr)
      Group::load(call.statistic + token * n, present ? n : 0, statistic);
    passed = count_passed<Group>(statistic, critical, n);
    const bool listed = passed >= call.min_k;
    list_at_least<Group>(statistic, keys, listed ? critical[passed - 1] : nanf(""), list);
    __syncwarp();
    order_list<Group>(list, listed ? passed : 0, call.max_k, ordered);
  }
  int num = ::min(passed, call.max_k);
  int rest[kValues];
#pragma unroll
  for (int v = 0; v < kValues; ++v) rest[v] = keys[v];
  const int taken = order_largest<Group>(rest, passed < call.min_k ? call.min_k : 0, ordered);
  if (passed < call.min_k) num = taken;
  __syncwarp();
  const float divisor = weight_divisor<Group>(call, logits, keys, max, ordered, num);
  if (present) write_token<Group>(call, token, ordered, num, max, divisor);
  __syncwarp();
}

template <class T, int kLanes, int kValues, int kVector>
__global__ void __launch_bounds__(kThreads) route(const Call call) {
  using Group = TokenGroup<kLanes, kValues, kVector>;
  constexpr int kGroups = kThreads / kLanes;
  extern __shared__ long long shared[];
  const int group = threadIdx.x / kLanes;
  long long* list = shared + group * (call.num_experts + call.max_k);
  float* critical = reinterpret_cast<float*>(shared + kGroups * (call.num_experts + call.max_k));
  if (call.critical_logits != nullptr) {
    for (int k = threadIdx.x; k < call.num_experts; k += kThreads)
      critical[k] = call.critical_logits[k];
    __syncthreads();
  }
  const std::size_t step = static_cast<std::size_t>(gridDim.x) * kGroups;
  const std::size_t warp_first = (group / Group::kTokensPerWarp) * Group::kTokensPerWarp;
  for (std::size_t base = static_cast<std::size_t>(blockIdx.x) * kGroups;
       base + warp_first < call.num_tokens; base += step) {
    route_token<T, Group, kValues>(call, base + group, critical, list, list + call.num_experts);
  }
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

template <class T, int kLanes, int kValues, int kVector>
CudaLaunch launch(const Call& call, cudaStream_t stream) {
  constexpr std::size_t kGroups = kThreads / kLanes;
  const std::size_t bytes = kGroups * (call.num_experts + call.max_k) * sizeof(long long) +
                            call.num_experts * sizeof(float);
  const auto kernel = route<T, kLanes, kValues, kVector>;
  if (bytes > 48 * 1024 && cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                                static_cast<int>(bytes)) != cudaSuccess)
    return CudaLaunch::failed;
  const std::size_t blocks =
      std::min<std::size_t>((call.num_tokens + kGroups - 1) / kGroups,
                            static_cast<std::size_t>(num_multiprocessors()) * 16);
  kernel<<<static_cast<unsigned>(blocks), kThreads, bytes, stream>>>(call);
  return cudaPeekAtLastError() == cudaSuccess ? CudaLaunch::ok : CudaLaunch::failed;
}

/// A lane reads `kVector` logits at once where every row allows it.
template <class T, int kLanes, int kValues>
CudaLaunch launch_by_alignment(const Call& call, cudaStream_t stream) {
  constexpr int kVector = std::min(kValues, 4);
  const auto aligned = [](const void* p, std::size_t bytes) {
    return reinterpret_cast<std::uintptr_t>(p) % bytes == 0;
  };
  const bool whole = call.num_experts % kVector == 0 && call.token_stride % kVector == 0;
  if (whole && aligned(call.logits, sizeof(T) * kVector) &&
      aligned(call.statistic, sizeof(float) * kVector))
    return launch<T, kLanes, kValues, kVector>(call, stream);
  return launch<T, kLanes, kValues, 1>(call, stream);
}

/// Few tokens leave the GPU idle, so each gets a whole warp; many are packed closely.
constexpr std::size_t kFewTokens = 8192;

template <class T>
CudaLaunch launch_by_size(const Call& call, cudaStream_t stream) {
  const bool few = call.num_tokens <= kFewTokens;
  if (call.num_experts <= 32) return launch_by_alignment<T, 8, 4>(call, stream);
  if (call.num_experts <= 64)
    return few ? launch_by_alignment<T, 32, 2>(call, stream)
               : launch_by_alignment<T, 8, 8>(call, stream);
  if (call.num_experts <= 128)
    return few ? launch_by_alignment<T, 32, 4>(call, stream)
               : launch_by_alignment<T, 16, 8>(call, stream);
  if (call.num_experts <= 256) return launch_by_alignment<T, 32, 8>(call, stream);
  return launch_by_alignment<T, 32, 16>(call, stream);
}

SoftmaxScale softmax_scale(double temperature) {
  constexpr double kLog2E = 1.4426950408889634;
  const double inverse = inverse_temperature(temperature);
  return {static_cast<float>(std::clamp<double>(inverse * kLog2E, FLT_MIN, FLT_MAX)),
          inverse * kLog2E};
}

bool valid(const CudaRouteInputs& in, std::size_t min_k, std::size_t max_k) {
  return in.num_experts >= 1 && in.num_experts <= kMaxExpertsCuda && in.temperature > 0.0 &&
         min_k >= 1 && min_k <= max_k && max_k <= in.num_experts &&
         (in.num_tokens <= 1 || in.token_stride >= in.num_experts);
}

CudaLaunch route_batch(const CudaRouteInputs& in, const float* critical_logits, std::size_t min_k,
                       std::size_t max_k, const RouteOutputs& out, cudaStream_t stream) {
  if (!valid(in, min_k, max_k)) return CudaLaunch::invalid_arguments;
  if (in.num_tokens == 0) return CudaLaunch::ok;
  const Call call{in.logits,
                  in.statistic,
                  critical_logits,
                  in.num_tokens,
                  in.token_stride,
                  static_cast<int>(in.num_experts),
                  static_cast<int>(min_k),
                  static_cast<int>(max_k),
                  static_cast<int>(std::clamp<std::size_t>(in.own_top_k, 1, in.num_experts)),
                  in.weight_scale,
                  softmax_scale(in.temperature),
                  out};
  switch (in.logit_type) {
    case LogitType::float32:
      return launch_by_size<float>(call, stream);
    case LogitType::bf16:
      return launch_by_size<__nv_bfloat16>(call, stream);
    case LogitType::f16:
      return launch_by_size<__half>(call, stream);
  }
  return CudaLaunch::invalid_arguments;
}

}  // namespace
}  // namespace cuda

CudaLaunch route_step_up_cuda(const CudaRouteInputs& in, const float* critical_logits,
                              std::size_t min_k, std::size_t max_k, const RouteOutputs& out,
                              CUstream_st* stream) noexcept {
  if (critical_logits == nullptr) return CudaLaunch::invalid_arguments;
  return cuda::route_batch(in, critical_logits, min_k, max_k, out, stream);
}

CudaLaunch route_top_k_cuda(const CudaRouteInputs& in, std::size_t top_k, const RouteOutputs& out,
                            CUstream_st* stream) noexcept {
  return cuda::route_batch(in, nullptr, top_k, top_k, out, stream);
}

}  // namespace bhroute::kernels
