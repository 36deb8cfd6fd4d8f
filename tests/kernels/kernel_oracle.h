#pragma once
// What the kernels promise, in the plainest double arithmetic: sort everything, count everything.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <vector>

#include "bhroute/kernels/routing_kernels.h"

namespace bhroute::testing {

/// Indices of the logits that are not NaN, largest first, ties by lower index.
inline std::vector<std::int32_t> largest_first(const float* logits, std::size_t n) {
  std::vector<std::int32_t> order;
  for (std::size_t i = 0; i < n; ++i) {
    if (!std::isnan(logits[i])) order.push_back(static_cast<std::int32_t>(i));
  }
  std::stable_sort(order.begin(), order.end(),
                   [&](auto a, auto b) { return logits[a] > logits[b]; });
  return order;
}

/// The largest k that at least k values of the statistic meet the critical logit of; 0 if none.
inline std::size_t count_passed(const float* statistic, const std::vector<float>& critical) {
  std::size_t num = 0;
  for (std::size_t k = 1; k <= critical.size(); ++k) {
    const auto met = std::count_if(statistic, statistic + critical.size(),
                                   [&](float s) { return s >= critical[k - 1]; });
    if (static_cast<std::size_t>(met) >= k) num = k;
  }
  return num;
}

/// exp((r - reference)/T); with an infinite reference the experts that reach it share.
inline double exp_relative(float r, double reference, double temperature) {
  if (std::isinf(reference)) return r == reference ? 1.0 : 0.0;
  return std::exp((static_cast<double>(r) - reference) / temperature);
}

inline double sum_exp(const float* logits, const std::vector<std::int32_t>& ids, double reference,
                      double temperature) {
  return std::accumulate(ids.begin(), ids.end(), 0.0, [&](double sum, std::int32_t id) {
    return sum + exp_relative(logits[id], reference, temperature);
  });
}

/// Routing weights of `ids`, rounded once.
inline std::vector<float> softmax_weights(const kernels::RouteInputs& in, const float* logits,
                                          const std::vector<std::int32_t>& ids) {
  if (ids.empty()) return {};
  auto order = largest_first(logits, in.num_experts);
  const double max = logits[order.front()];
  const double all = sum_exp(logits, order, max, in.temperature);
  order.resize(std::min(order.size(), std::max<std::size_t>(in.own_top_k, 1)));
  double reference = -std::numeric_limits<double>::infinity();
  for (auto id : ids) reference = std::max<double>(reference, logits[id]);
  const bool plain = in.weight_scale == kernels::WeightScale::none;
  const bool mass = in.weight_scale == kernels::WeightScale::mass;
  if (plain) reference = max;
  const double sum = plain ? all : sum_exp(logits, ids, reference, in.temperature);
  const double total = mass ? sum_exp(logits, order, max, in.temperature) / all : 1.0;
  std::vector<float> weights;
  for (auto id : ids) {
    weights.push_back(
        static_cast<float>(exp_relative(logits[id], reference, in.temperature) / sum * total));
  }
  return weights;
}

}  // namespace bhroute::testing
