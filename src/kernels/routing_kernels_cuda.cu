// One launch routes a batch: a group of lanes holds one token. The step-up needs no sort of all
// experts: only those that can pass any rank are listed, put in order by comparing all pairs, and
// tested rank by rank.

#include "bhroute/kernels/routing_kernels_cuda.h"

#include <cuda_runtime.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cfloat>
#include <climits>
#include <cmath>

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

/// An expert and its logit, as a group lists them in shared memory.
struct alignas(8) Entry {
  float logit;
  int expert;
};

__device__ bool comes_before(Entry a, Entry b) {
  return a.logit > b.logit || (a.logit == b.logit && a.expert < b.expert);
}

/// Bit v set: value v reaches `bound`.
template <int kValues>
__device__ unsigned at_least(const float (&values)[kValues], float bound) {
  unsigned mask = 0;
#pragma unroll
  for (int v = 0; v < kValues; ++v) {
    if (values[v] >= bound) mask |= 1u << v;
  }
  return mask;
}

/// The experts that this lane brings into question, and how many the group does.
struct Candidates {
  unsigned mask;
  int count;
};

/// Experts whose statistic could pass some rank. No rank beyond the number that meets its critical
/// value can pass, so k <- #{statistic >= critical k} from k = N never skips one that does; a few
/// rounds leave few experts.
template <class Group, int kValues>
__device__ Candidates find_candidates(const float (&statistic)[kValues], const float* critical,
                                      int n) {
  int k = n;
  while (true) {
    const unsigned mask = at_least(statistic, k > 0 ? critical[k - 1] : nanf(""));
    const int count = Group::sum(__popc(mask));
    const bool settled = count >= k || count <= 8;
    if (__all_sync(kWarp, settled)) return {mask, count};
    if (!settled) k = count;
  }
}

/// Writes the group's candidates into its list, in no order.
template <class Group, int kValues>
__device__ void list_candidates(const float (&logits)[kValues], unsigned mask, Entry* list) {
  Entry* place = list + Group::sum_before(__popc(mask));
#pragma unroll
  for (int v = 0; v < kValues; ++v) {
    if (mask & (1u << v)) *place++ = {logits[v], Group::expert(v)};
  }
}

/// Puts the listed experts in order by comparing all pairs: they are few.
template <class Group>
__device__ void order_list(const Entry* list, int count, Entry* ordered) {
  for (int i = Group::lane(); i < count; i += Group::kLanes) {
    const Entry mine = list[i];
    int rank = 0;
    for (int j = 0; j < count; ++j) rank += comes_before(list[j], mine) ? 1 : 0;
    ordered[rank] = mine;
  }
}

/// The step-up on experts in order: the largest rank whose statistic meets its critical logit.
/// `statistic` null: the logits are tested.
template <class Group>
__device__ int step_up(const Entry* ordered, int count, const float* statistic,
                       const float* critical) {
  int passed = 0;
  for (int base = 0; __any_sync(kWarp, base < count); base += Group::kLanes) {
    const int i = base + Group::lane();
    bool meets = false;
    if (i < count) {
      const Entry entry = ordered[i];
      meets = (statistic == nullptr ? entry.logit : statistic[entry.expert]) >= critical[i];
    }
    const unsigned ranks = Group::ballot(meets);
    if (ranks != 0) passed = base + 32 - __clz(ranks);
  }
  return passed;
}

/// Takes the largest key out of the group's; kNoKey if there is none.
template <class Group, int kValues>
__device__ int take_largest(int (&keys)[kValues], int& expert) {
  int key = keys[0];
#pragma unroll
  for (int v = 1; v < kValues; ++v) key = ::max(key, keys[v]);
  key = Group::max(key);
  expert = INT_MAX;
#pragma unroll
  for (int v = kValues - 1; v >= 0; --v) {
    if (keys[v] == key) expert = ::min(expert, Group::expert(v));
  }
  expert = Group::min(expert);
#pragma unroll
  for (int v = 0; v < kValues; ++v) {
    if (Group::expert(v) == expert) keys[v] = kNoKey;
  }
  return key;
}

/// Writes the `want` largest in order; returns how many numbers there were. `want` may differ from
/// group to group.
template <class Group, int kValues>
__device__ int order_largest(int (&keys)[kValues], int want, Entry* ordered) {
  int num = 0, expert = 0;
  while (__any_sync(kWarp, num < want)) {
    const int key = take_largest<Group>(keys, expert);
    if (key == kNoKey) want = ::min(want, num);
    if (num < want) {
      if (Group::lane() == 0) ordered[num] = {logit_of(key), expert};
      ++num;
    }
  }
  return num;
}

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

/// Sum over the selected experts.
template <class Group>
__device__ double selected_sum(const Entry* ordered, int num, float max, SoftmaxScale scale) {
  double sum = 0.0;
  for (int i = Group::lane(); i < num; i += Group::kLanes)
    sum += exp_weight(ordered[i].logit, max, scale);
  return Group::sum(sum);
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

__device__ void write_slot(const Call& call, std::size_t slot, int expert, float weight) {
  call.out.expert_ids[slot] = expert;
  call.out.routing_weights[slot] = weight;
}

/// The usual case: every lane holds at most one candidate, which writes its own slot. `statistic`
/// null: the logits are tested. `list` has an entry for each lane.
template <class Group, int kValues>
__device__ void route_few(const Call& call, std::size_t t, const float (&logits)[kValues],
                          float max, Candidates candidates, const float* statistic,
                          const float* critical, Entry* list) {
  const int lane = Group::lane();
  list[lane] = {nanf(""), 0};  // comes before nothing
  __syncwarp();
  list_candidates<Group>(logits, candidates.mask, list);
  __syncwarp();
  const Entry mine = list[lane];
  int rank = 0;
  const int longest = __reduce_max_sync(kWarp, candidates.count);
#pragma unroll 4
  for (int j = 0; j < longest; ++j) rank += comes_before(list[j], mine) ? 1 : 0;
  const bool listed = lane < candidates.count;
  bool meets = false;
  if (listed)
    meets = (statistic == nullptr ? mine.logit : statistic[mine.expert]) >= critical[rank];
  const unsigned ranks = Group::share(__reduce_or_sync(kWarp, meets ? Group::bit(rank) : 0u));
  const int passed = 32 - __clz(ranks);
  const int num = ::min(::min(::max(passed, call.min_k), call.max_k), candidates.count);
  const bool selected = listed && rank < num;
  const float weight = selected ? exp_weight(mine.logit, max, call.softmax) : 0.0f;
  double sum = 0.0;
  if (call.weight_scale != WeightScale::none) sum = Group::sum(static_cast<double>(weight));
  const float divisor = weight_divisor<Group>(call, logits, max, sum);
  if (t >= call.num_tokens) return;
  const std::size_t row = t * call.max_k;
  if (selected) write_slot(call, row + rank, mine.expert, weight / divisor);
  for (int slot = lane; slot < call.max_k; slot += Group::kLanes) {
    if (slot >= num) write_slot(call, row + slot, -1, 0.0f);
  }
  if (lane == 0) call.out.num_selected[t] = num;
}

/// Any number of candidates, any min_k.
template <class Group, int kValues>
__device__ void route_many(const Call& call, std::size_t t, const float (&logits)[kValues],
                           float max, Candidates candidates, const float* statistic,
                           const float* critical, Entry* list) {
  Entry* ordered = list + call.num_experts;
  list_candidates<Group>(logits, candidates.mask, list);
  __syncwarp();
  order_list<Group>(list, candidates.count, ordered);
  __syncwarp();
  int num = step_up<Group>(ordered, candidates.count, statistic, critical);
  const bool too_few = num < call.min_k;
  if (__any_sync(kWarp, too_few)) {
    int keys[kValues];
    make_keys(logits, keys);
    const int taken = order_largest<Group>(keys, too_few ? call.min_k : 0, ordered);
    if (too_few) num = taken;
    __syncwarp();
  }
  num = ::min(num, call.max_k);
  const double sum = selected_sum<Group>(ordered, num, max, call.softmax);
  const float divisor = weight_divisor<Group>(call, logits, max, sum);
  if (t >= call.num_tokens) return;
  for (int slot = Group::lane(); slot < call.max_k; slot += Group::kLanes) {
    const Entry entry = slot < num ? ordered[slot] : Entry{0.0f, -1};
    const float weight = slot < num ? exp_weight(entry.logit, max, call.softmax) / divisor : 0.0f;
    write_slot(call, t * call.max_k + slot, entry.expert, weight);
  }
  if (Group::lane() == 0) call.out.num_selected[t] = num;
}

/// Routes the token of each group of the warp. `list` [2 * num_experts] is the group's.
template <class T, class Group, int kValues>
__device__ void route_token(const Call& call, std::size_t t, const float* critical, Entry* list) {
  const int present = t < call.num_tokens ? call.num_experts : 0;
  float logits[kValues];
  Group::load(static_cast<const T*>(call.logits) + t * call.token_stride, present, logits);
  float max = -INFINITY;
#pragma unroll
  for (int v = 0; v < kValues; ++v) max = fmaxf(max, logits[v]);
  max = Group::max(max);
  const float* row = nullptr;
  Candidates candidates{0, 0};
  if (call.critical_logits != nullptr && call.statistic != nullptr) {
    float statistic[kValues];
    row = call.statistic + t * call.num_experts;
    Group::load(row, present, statistic);
    candidates = find_candidates<Group>(statistic, critical, call.num_experts);
  } else if (call.critical_logits != nullptr) {
    candidates = find_candidates<Group>(logits, critical, call.num_experts);
  }
  if (__any_sync(kWarp, candidates.count ==
                            0)) {  // the largest stands in, lest few tokens hold up the warp
    if (candidates.count == 0) candidates.mask = at_least(logits, max);
    const int count = Group::sum(__popc(candidates.mask));
    if (candidates.count == 0) candidates.count = count;
  }
  const bool few = candidates.count >= call.min_k && candidates.count <= Group::kLanes;
  if (__all_sync(kWarp, few || present == 0))
    route_few<Group>(call, t, logits, max, candidates, row, critical, list);
  else
    route_many<Group>(call, t, logits, max, candidates, row, critical, list);
  __syncwarp();
}

template <class T, int kLanes, int kValues, int kVector>
__global__ void __launch_bounds__(kThreads) route(const Call call) {
  using Group = TokenGroup<kLanes, kValues, kVector>;
  constexpr int kGroups = kThreads / kLanes;
  extern __shared__ Entry shared[];
  const int group = threadIdx.x / kLanes;
  Entry* list = shared + group * 2 * ::max(call.num_experts, kLanes);
  float* critical =
      reinterpret_cast<float*>(shared + kGroups * 2 * ::max(call.num_experts, kLanes));
  if (call.critical_logits != nullptr) {
    for (int k = threadIdx.x; k < call.num_experts; k += kThreads)
      critical[k] = call.critical_logits[k];
    __syncthreads();
  }
  const std::size_t step = static_cast<std::size_t>(gridDim.x) * kGroups;
  const std::size_t warp_first = (group / Group::kTokensPerWarp) * Group::kTokensPerWarp;
  for (std::size_t base = static_cast<std::size_t>(blockIdx.x) * kGroups;
       base + warp_first < call.num_tokens; base += step) {
    route_token<T, Group, kValues>(call, base + group, critical, list);
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
  const std::size_t bytes =
      std::max(call.num_experts, kLanes) * (kGroups * 2 * sizeof(Entry) + sizeof(float));
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
constexpr std::size_t kFewTokens = 1024;

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
  const double exact = std::clamp<double>(inverse * kLog2E, FLT_MIN, FLT_MAX);
  const float high = static_cast<float>(exact);
  return {high, high > 1e6f ? 0.0f : static_cast<float>(exact - high)};
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
