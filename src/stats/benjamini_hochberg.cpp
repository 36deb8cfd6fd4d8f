#include "bhroute/stats/benjamini_hochberg.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace bhroute::stats {
namespace {

// k/N alone first: statsmodels divides and multiplies in this order, and boundaries depend on it.
double rank_share(std::size_t rank, std::size_t num_hypotheses) noexcept {
  return static_cast<double>(rank) / static_cast<double>(num_hypotheses);
}

std::vector<std::size_t> rising_order(std::span<const double> p_values) {
  std::vector<std::size_t> order(p_values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    if (std::isnan(p_values[a])) return false;
    return std::isnan(p_values[b]) || p_values[a] < p_values[b];
  });
  return order;
}

std::vector<double> adjusted(std::span<const double> p_values, std::span<const std::size_t> order) {
  std::vector<double> result(p_values.size(), std::numeric_limits<double>::quiet_NaN());
  double smallest = 1.0;
  for (std::size_t rank = order.size(); rank > 0; --rank) {
    const double p = p_values[order[rank - 1]];
    if (std::isnan(p)) continue;
    smallest = std::min(smallest, p / rank_share(rank, order.size()));
    result[order[rank - 1]] = smallest;
  }
  return result;
}

std::vector<double> gather(std::span<const double> values, std::span<const std::size_t> order) {
  std::vector<double> result(order.size());
  std::transform(order.begin(), order.end(), result.begin(),
                 [&](std::size_t i) { return values[i]; });
  return result;
}

}  // namespace

std::vector<double> bh_critical_values(std::size_t num_hypotheses, double alpha) {
  std::vector<double> critical_values(num_hypotheses);
  for (std::size_t k = 1; k <= num_hypotheses; ++k)
    critical_values[k - 1] = rank_share(k, num_hypotheses) * alpha;
  return critical_values;
}

std::size_t step_up(std::span<const double> sorted_p,
                    std::span<const double> critical_values) noexcept {
  std::size_t k = std::min(sorted_p.size(), critical_values.size());
  while (k > 0 && !(sorted_p[k - 1] <= critical_values[k - 1])) --k;
  return k;
}

StepUpResult benjamini_hochberg(std::span<const double> p_values, double alpha) {
  StepUpResult result;
  result.p_values.assign(p_values.begin(), p_values.end());
  result.order = rising_order(p_values);
  result.critical_values = bh_critical_values(p_values.size(), alpha);
  result.adjusted_p_values = adjusted(p_values, result.order);
  result.num_rejections = step_up(gather(p_values, result.order), result.critical_values);
  result.mask.assign(p_values.size(), 0);
  for (std::size_t k = 0; k < result.num_rejections; ++k) result.mask[result.order[k]] = 1;
  return result;
}

}  // namespace bhroute::stats
