#pragma once
// One null an expert as one array of doubles, which a device reads as it is: routing/layer_program.h makes it.
//   [0], [1]                the bounds that p-values are clamped to
//   [2 + 3 * e], e < N      expert e's form (ExpertNullForm), where its numbers begin, and how many knots it has
//   at each beginning       the knots, strictly rising; then for a grid the CDF at each, else the p-values of
//                           0, 1, ..., all knots passed

#include <cstdint>

#ifdef __CUDACC__
#define BHROUTE_HOST_DEVICE __host__ __device__
#else
#define BHROUTE_HOST_DEVICE
#endif

namespace bhroute::kernels {

enum class ExpertNullForm {
  grid,     ///< the CDF, interpolated
  below,    ///< p by the number of knots below z (conformal counts)
  up_to_it  ///< p by the number of knots up to z (gridded counts)
};

namespace detail {

/// a * b + c, rounded twice on a device too: as GriddedCdf on the CPU.
BHROUTE_HOST_DEVICE inline double times_plus(double a, double b, double c) {
#ifdef __CUDA_ARCH__
  return __dadd_rn(__dmul_rn(a, b), c);
#else
  return a * b + c;
#endif
}

BHROUTE_HOST_DEVICE inline std::int64_t knots_passed(const double* knots, std::int64_t size, double z, bool with_equal) {
  std::int64_t passed = 0;
  while (size > 0) {
    const std::int64_t half = size / 2;
    const double knot = knots[passed + half];
    const bool passes = knot < z || (with_equal && knot == z);
    if (passes) passed += half + 1;
    size = passes ? size - half - 1 : half;
  }
  return passed;
}

BHROUTE_HOST_DEVICE inline double interpolate(const double* x, const double* cdf, std::int64_t passed, double z) {
  const std::int64_t j = passed - 1;
  const double slope = (cdf[j + 1] - cdf[j]) / (x[j + 1] - x[j]);
  const double value = times_plus(slope, z - x[j], cdf[j]);
  if (!(value > cdf[j])) return cdf[j];
  return cdf[j + 1] < value ? cdf[j + 1] : value;
}

}  // namespace detail

/// The p-value of expert `expert` for z, the bits of NullDistribution::p_value and then the clamp; NaN gives NaN.
BHROUTE_HOST_DEVICE inline double expert_p_value(const double* nulls, int expert, float z) {
  if (z != z) return z;
  const double* head = nulls + 2 + 3 * expert;
  const auto form = static_cast<ExpertNullForm>(static_cast<int>(head[0]));
  const auto size = static_cast<std::int64_t>(head[2]);
  const double* knots = nulls + static_cast<std::int64_t>(head[1]);
  const double* values = knots + size;
  const std::int64_t passed = detail::knots_passed(knots, size, z, form != ExpertNullForm::below);
  double p = 0.0;
  if (form != ExpertNullForm::grid)
    p = values[passed];
  else if (passed == 0 || passed == size)
    p = 1.0 - values[passed == 0 ? 0 : size - 1];
  else
    p = 1.0 - detail::interpolate(knots, values, passed, z);
  if (p < nulls[0]) return nulls[0];
  return nulls[1] < p ? nulls[1] : p;
}

}  // namespace bhroute::kernels
