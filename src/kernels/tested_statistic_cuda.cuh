#pragma once
// The statistic of one token, in double as calibration/null_spec.h computes it.

#include <cmath>

#include "bhroute/kernels/routing_kernels_cuda.h"
#include "kernels/token_group_cuda.cuh"

namespace bhroute::kernels::cuda {

/// What turns a token's logits into its statistic.
struct Tested {
  TestedStatistic kind = TestedStatistic::logit;
  double center = 0.0;        // the largest logit, or the mean
  double scale = 1.0;         // log of the sum, or the standard deviation
  double num_infinite = 0.0;  // logits of +inf, for log_prob

  __device__ float operator()(float logit) const {
    if (kind == TestedStatistic::logit || logit != logit) return logit;
    return kind == TestedStatistic::log_prob ? log_prob(logit) : standardized(logit);
  }

 private:
  __device__ float log_prob(float logit) const {
    if (num_infinite > 0.0)
      return isinf(logit) && logit > 0.0f ? static_cast<float>(-log(num_infinite)) : -INFINITY;
    const double shifted = logit == center ? 0.0 : logit - center;
    return static_cast<float>(shifted - scale);
  }
  __device__ float standardized(float logit) const {
    if (isinf(logit)) return logit;
    return scale == 0.0 ? 0.0f : static_cast<float>((logit - center) / scale);
  }
};

template <class Group, class T>
__device__ Tested test_log_prob(const T* row, int num_experts, float max) {
  double sum = 0.0, infinite = 0.0;
  for (int e = Group::lane(); e < num_experts; e += Group::kLanes) {
    const float logit = to_float(row[e]);
    if (logit == INFINITY) infinite += 1.0;
    if (logit == logit) sum += max == -INFINITY ? 1.0 : exp(logit - static_cast<double>(max));
  }
  return {TestedStatistic::log_prob, max, log(Group::sum(sum)), Group::sum(infinite)};
}

template <class Group, class T>
__device__ Tested test_standardized(const T* row, int num_experts) {
  double sum = 0.0, n = 0.0, squares = 0.0;
  for (int e = Group::lane(); e < num_experts; e += Group::kLanes) {
    const float logit = to_float(row[e]);
    if (isfinite(logit)) sum += logit, n += 1.0;
  }
  n = Group::sum(n);
  sum = Group::sum(sum);
  const double mean = n == 0.0 ? 0.0 : sum / n;
  for (int e = Group::lane(); e < num_experts; e += Group::kLanes) {
    const float logit = to_float(row[e]);
    if (isfinite(logit)) squares += (logit - mean) * (logit - mean);
  }
  squares = Group::sum(squares);
  return {TestedStatistic::standardized, mean, n == 0.0 ? 0.0 : sqrt(squares / n), 0.0};
}

/// Apart from the kernel's body, whose registers it must not take: few policies need it.
template <class Group, class T>
__noinline__ __device__ Tested test_token(TestedStatistic kind, const T* row, int num_experts,
                                          float max) {
  if (kind == TestedStatistic::log_prob) return test_log_prob<Group>(row, num_experts, max);
  return test_standardized<Group>(row, num_experts);
}

}  // namespace bhroute::kernels::cuda
