#pragma once
// exp((r - max)/T) of one token. With an infinite maximum the experts that reach it share the mass
// equally.

#include <cfloat>

#include "kernels/token_group_cuda.cuh"

namespace bhroute::kernels::cuda {

/// log2(e)/T as the sum of two floats; `low` is 0 where `high` is so large that a product with it
/// might overflow.
struct SoftmaxScale {
  float high, low;
};

__device__ inline float exp2_fast(float x) {
#ifdef __CUDA_ARCH__
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
#else
  return exp2f(x);
#endif
}

/// 2^(n + f) for |f| <= 1/2 by the Taylor series of exp(f ln 2); the first term left out is below
/// 2^-27. n >= -149; two steps, since 2^n may be denormal.
__device__ inline float exp2_of_parts(int n, float f) {
  float p = 1.5252733804059840e-5f;
  p = fmaf(p, f, 1.5403530393381609e-4f);
  p = fmaf(p, f, 1.3333558146428443e-3f);
  p = fmaf(p, f, 9.6181291076284772e-3f);
  p = fmaf(p, f, 5.5504108664821580e-2f);
  p = fmaf(p, f, 2.4022650695910071e-1f);
  p = fmaf(p, f, 6.9314718055994531e-1f);
  p = fmaf(p, f, 1.0f);
  return __int_as_float(__float_as_int(p) + ((n + 64) << 23)) * 5.4210108624275222e-20f;
}

/// A weight before scaling, to about one ulp. The argument (r - max) log2(e)/T is carried as a sum
/// of two floats, whose rounding cannot hurt, until its integer part is off.
__device__ inline float exp_weight(float logit, float max, SoftmaxScale scale) {
  if (isinf(max)) return logit == max ? 1.0f : 0.0f;
  const float d = logit - max;
  const float high = d * scale.high;
  if (!(high >= -149.0f)) return 0.0f;
  const float back = d + max;  // Knuth's two-sum: what d lost
  const float lost = (logit - back) + ((back - d) - max);
  const float low = fmaf(d, scale.high, -high) + fmaf(d, scale.low, lost * scale.high);
  const float n = rintf(high);
  return exp2_of_parts(static_cast<int>(n), (high - n) + low);
}

/// Sum of exp((r - max)/T) over the token's experts, NaN where there is no number. Rounding the
/// argument x costs |x| e^x ulps of the sum, less than half of one; pairs are added first, which
/// keeps the rest near an ulp.
template <class Group, int kValues>
__device__ float sum_exp(const float (&logits)[kValues], float max, SoftmaxScale scale) {
  float terms[kValues];
  if (isinf(max)) {
#pragma unroll
    for (int v = 0; v < kValues; ++v) terms[v] = logits[v] == max ? 1.0f : 0.0f;
  } else {
#pragma unroll
    for (int v = 0; v < kValues; ++v) {
      const float d =
          fmaxf(logits[v] - max, -FLT_MAX);  // finite; NaN too becomes the lowest number
      terms[v] = exp2_fast(fmaf(d, scale.low, d * scale.high));
    }
  }
#pragma unroll
  for (int step = 1; step < kValues; step *= 2) {
#pragma unroll
    for (int v = 0; v + step < kValues; v += 2 * step) terms[v] += terms[v + step];
  }
  return static_cast<float>(Group::sum(static_cast<double>(terms[0])));
}

}  // namespace bhroute::kernels::cuda
