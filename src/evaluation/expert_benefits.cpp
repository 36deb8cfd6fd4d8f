#include "expert_benefits.h"

#include <algorithm>
#include <vector>

#include "bhroute/stats/descriptive.h"

namespace bhroute::evaluation {
namespace {

double mean_of(std::span<const double> values) { return stats::mean_with_error(values).mean; }

// The standard error of the mean, from the means of windows.
double error_over_windows(const std::vector<double>& benefits, std::size_t window) {
  std::vector<double> means;
  for (std::size_t begin = 0; begin < benefits.size(); begin += window)
    means.push_back(
        mean_of(std::span(benefits).subspan(begin, std::min(window, benefits.size() - begin))));
  return stats::mean_with_error(means).standard_error;
}

/// What a rank's benefits have in common.
struct Common {
  double mean = 0.0;     ///< weighted by precision
  double between = 0.0;  ///< variance between layers, beyond their errors
};

Common common_of(const std::vector<MeasuredBenefit>& layers) {
  Common common;
  double weights = 0.0, plain = 0.0, errors = 0.0, squares = 0.0;
  const auto n = static_cast<double>(layers.size());
  for (const auto& m : layers) {
    const double weight = 1.0 / std::max(m.error * m.error, 1e-12);
    common.mean += weight * m.mean;
    weights += weight;
    plain += m.mean / n;
    errors += m.error * m.error / n;
  }
  common.mean /= weights;
  for (const auto& m : layers) squares += (m.mean - plain) * (m.mean - plain);
  common.between = std::max(0.0, squares / std::max(1.0, n - 1.0) - errors);
  return common;
}

Line line_of(const MeasuredBenefit& m, const Common& common) {
  if (m.slope) return {m.mean - *m.slope * m.mean_log_prob, *m.slope};
  const double total = common.between + m.error * m.error;
  const double mean =
      total > 0.0 ? common.mean + (m.mean - common.mean) * common.between / total : m.mean;
  const double slope = std::max(mean, 0.0);
  return {mean - slope * m.mean_log_prob, slope};
}

}  // namespace

MeasuredBenefit measure_benefit(std::span<const float> fewer, std::span<const float> more,
                                std::span<const double> log_probs, std::size_t window) {
  std::vector<double> benefits;
  for (std::size_t i = 0; i < fewer.size(); ++i)
    benefits.push_back(static_cast<double>(fewer[i]) - static_cast<double>(more[i]));
  return {mean_of(benefits), error_over_windows(benefits, window), mean_of(log_probs),
          std::nullopt};
}

double measure_slope(std::span<const float> fewer, std::span<const float> more,
                     std::span<const float> upper, std::span<const double> log_probs,
                     double middle) {
  double of_upper = 0.0, of_all = 0.0;
  for (std::size_t i = 0; i < fewer.size(); ++i) {
    of_upper += static_cast<double>(fewer[i]) - static_cast<double>(upper[i]);
    of_all += static_cast<double>(fewer[i]) - static_cast<double>(more[i]);
  }
  std::vector<double> low, high;
  for (double x : log_probs) (x > middle ? high : low).push_back(x);
  if (low.empty() || high.empty()) return 0.0;
  const double rise = of_upper / static_cast<double>(high.size()) -
                      (of_all - of_upper) / static_cast<double>(low.size());
  return rise / (mean_of(high) - mean_of(low));
}

LayerBenefits predict_benefits(const MeasuredBenefits& measured) {
  std::map<std::size_t, std::vector<MeasuredBenefit>> pools;
  for (const auto& [layer, by_rank] : measured)
    for (const auto& [rank, benefit] : by_rank)
      if (!benefit.slope) pools[rank].push_back(benefit);
  LayerBenefits lines;
  for (const auto& [layer, by_rank] : measured)
    for (const auto& [rank, benefit] : by_rank)
      lines[layer][rank] =
          line_of(benefit, pools.contains(rank) ? common_of(pools.at(rank)) : Common{});
  return lines;
}

}  // namespace bhroute::evaluation
