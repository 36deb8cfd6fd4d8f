#pragma once
// A token's logits spread over a group of 4, 8, 16 or 32 lanes of a warp, and what the group
// computes together. All 32 lanes of the warp call every function, whichever token their group
// holds.

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <climits>
#include <cstdint>

namespace bhroute::kernels::cuda {

inline constexpr unsigned kWarp = 0xffffffffu;
inline constexpr int kNoKey =
    INT_MIN;  // below the key of every number, -inf too: NaN, or no expert

/// Rises with the logit; NaN gives kNoKey; -0 and +0 are equal.
__device__ inline int key_of(float logit) {
  const int bits = __float_as_int(logit + 0.0f);
  return logit == logit ? bits ^ ((bits >> 31) & INT_MAX) : kNoKey;
}

__device__ inline float logit_of(int key) { return __int_as_float(key ^ ((key >> 31) & INT_MAX)); }

__device__ inline float to_float(float v) { return v; }
__device__ inline float to_float(__nv_bfloat16 v) { return __bfloat162float(v); }
__device__ inline float to_float(__half v) { return __half2float(v); }

/// kLanes lanes a token, kValues logits a lane, read kVector at a time (1: any address and any
/// number of experts).
template <int kLanes_, int kValues, int kVector>
struct TokenGroup {
  static constexpr int kLanes = kLanes_;
  static constexpr int kTokensPerWarp = 32 / kLanes;

  __device__ static int lane() { return threadIdx.x % kLanes; }
  /// The expert that this lane's value `v` belongs to; may be num_experts or more.
  __device__ static int expert(int v) {
    return (v / kVector) * kLanes * kVector + lane() * kVector + v % kVector;
  }

  template <class T>
  __device__ static void load(const T* row, int num_experts, float (&values)[kValues]) {
    struct alignas(sizeof(T) * kVector) Pack {
      T item[kVector];
    };
#pragma unroll
    for (int v = 0; v < kValues; v += kVector) {
      Pack pack;
      const bool inside = expert(v) < num_experts;
      if (inside) pack = *reinterpret_cast<const Pack*>(row + expert(v));
#pragma unroll
      for (int i = 0; i < kVector; ++i) values[v + i] = inside ? to_float(pack.item[i]) : nanf("");
    }
  }

  __device__ static int sum(int x) {
    if constexpr (kLanes == 32) {
      return __reduce_add_sync(kWarp, x);
    } else {
#pragma unroll
      for (int step = kLanes / 2; step > 0; step /= 2) x += __shfl_xor_sync(kWarp, x, step);
      return x;
    }
  }
  template <class Real>
  __device__ static Real sum(Real x) {
#pragma unroll
    for (int step = kLanes / 2; step > 0; step /= 2) x += __shfl_xor_sync(kWarp, x, step);
    return x;
  }
  __device__ static float max(float x) {
#pragma unroll
    for (int step = kLanes / 2; step > 0; step /= 2) x = fmaxf(x, __shfl_xor_sync(kWarp, x, step));
    return x;
  }
  __device__ static int max(int x) {
    if constexpr (kLanes == 32) {
      return __reduce_max_sync(kWarp, x);
    } else {
#pragma unroll
      for (int step = kLanes / 2; step > 0; step /= 2)
        x = ::max(x, __shfl_xor_sync(kWarp, x, step));
      return x;
    }
  }
  __device__ static int min(int x) {
    if constexpr (kLanes == 32) {
      return __reduce_min_sync(kWarp, x);
    } else {
#pragma unroll
      for (int step = kLanes / 2; step > 0; step /= 2)
        x = ::min(x, __shfl_xor_sync(kWarp, x, step));
      return x;
    }
  }
  /// Sum over the group's lower lanes.
  __device__ static int sum_before(int x) {
    int sum = x;
#pragma unroll
    for (int step = 1; step < kLanes; step *= 2) {
      const int lower = __shfl_up_sync(kWarp, sum, step, kLanes);
      if (lane() >= step) sum += lower;
    }
    return sum - x;
  }
  /// The group's lanes, as __syncwarp takes them.
  __device__ static unsigned lanes() {
    if constexpr (kLanes == 32)
      return kWarp;
    else
      return ((1u << kLanes) - 1) << (threadIdx.x % 32 / kLanes * kLanes);
  }
};

}  // namespace bhroute::kernels::cuda
