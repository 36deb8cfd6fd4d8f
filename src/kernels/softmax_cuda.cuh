#pragma once
// exp((r - max)/T) of one token. With an infinite maximum the experts that reach it share the mass
// equally.

#include "kernels/token_group_cuda.cuh"

namespace bhroute::kernels::cuda {

/// log2(e)/T, for sums in float and for single weights in double.
struct SoftmaxScale {
  float single;
  double exact;
};

__device__ inline float exp2_fast(float x) {
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}

/// A term of a sum: rounding the argument x in float costs |x| e^x ulps of the sum, less than half
/// of one.
__device__ inline float exp_term(float logit, float max, float scale) {
  if (isinf(max)) return logit == max ? 1.0f : 0.0f;
  const float y = exp2_fast((logit - max) * scale);
  return logit == logit ? y : 0.0f;
}

/// A weight before scaling, to about one ulp: the argument is kept in double, whose rounding cannot
/// hurt, until its integer part is off. 0 where the result would be denormal.
__device__ inline float exp_weight(float logit, float max, double scale) {
  if (isinf(max)) return logit == max ? 1.0f : 0.0f;
  const double y = (static_cast<double>(logit) - static_cast<double>(max)) * scale;
  if (!(y >= -126.0)) return 0.0f;
  const double n = rint(y);
  const float f = static_cast<float>(y - n);  // |f| <= 1/2
  // 2^f by Taylor's series of exp(f ln 2): the first term left out is below 2^-27.
  float p = 1.5252733804059840e-5f;
  p = fmaf(p, f, 1.5403530393381609e-4f);
  p = fmaf(p, f, 1.3333558146428443e-3f);
  p = fmaf(p, f, 9.6181291076284772e-3f);
  p = fmaf(p, f, 5.5504108664821580e-2f);
  p = fmaf(p, f, 2.4022650695910071e-1f);
  p = fmaf(p, f, 6.9314718055994531e-1f);
  p = fmaf(p, f, 1.0f);
  return __int_as_float(__float_as_int(p) + (static_cast<int>(n) << 23));
}

/// Sum of exp((r - max)/T) over the token's experts; pairs are added first, which keeps the error
/// near an ulp.
template <class Group, int kValues>
__device__ float sum_exp(const float (&logits)[kValues], float max, float scale) {
  float terms[kValues];
#pragma unroll
  for (int v = 0; v < kValues; ++v) terms[v] = exp_term(logits[v], max, scale);
#pragma unroll
  for (int step = 1; step < kValues; step *= 2) {
#pragma unroll
    for (int v = 0; v + step < kValues; v += 2 * step) terms[v] += terms[v + step];
  }
  return Group::sum(terms[0]);
}

}  // namespace bhroute::kernels::cuda
