#include "expert_benefits.h"

#include <algorithm>
#include <cmath>

namespace bhroute::evaluation {
namespace {

constexpr double kClearly = 4.0;  // standard errors

bool is_steep(const MeasuredBenefit& m) {
  return m.slope_error > 0.0 && m.slope - kClearly * m.slope_error > std::max(m.mean, 0.0);
}

double mean_of(std::span<const double> values) {
  double sum = 0.0;
  for (double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

// The standard error of the mean, from the means of windows.
double error_over_windows(const std::vector<double>& benefits, std::size_t window) {
  std::vector<double> means;
  for (std::size_t begin = 0; begin < benefits.size(); begin += window)
    means.push_back(
        mean_of(std::span(benefits).subspan(begin, std::min(window, benefits.size() - begin))));
  if (means.size() < 2) return 0.0;
  const double middle = mean_of(means);
  double squares = 0.0;
  for (double mean : means) squares += (mean - middle) * (mean - middle);
  const auto n = static_cast<double>(means.size());
  return std::sqrt(squares / (n - 1.0) / n);
}

double slope_error(const std::vector<double>& benefits, std::span<const double> x,
                   const Line& line) {
  double squares = 0.0, xx = 0.0;
  const double mean_x = mean_of(x);
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double residual = benefits[i] - line.intercept - line.slope * x[i];
    squares += residual * residual;
    xx += (x[i] - mean_x) * (x[i] - mean_x);
  }
  return xx > 0.0 ? std::sqrt(squares / static_cast<double>(x.size()) / xx) : 0.0;
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
  if (is_steep(m)) return {m.mean - m.slope * m.mean_log_prob, m.slope};
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
  const std::vector<double> x(log_probs.begin(), log_probs.end());
  const Line line = fit_line(x, benefits);
  return {mean_of(benefits), error_over_windows(benefits, window), mean_of(x), line.slope,
          slope_error(benefits, x, line)};
}

LayerBenefits predict_benefits(const MeasuredBenefits& measured) {
  std::map<std::size_t, std::vector<MeasuredBenefit>> pools;
  for (const auto& [layer, by_rank] : measured)
    for (const auto& [rank, benefit] : by_rank)
      if (!is_steep(benefit)) pools[rank].push_back(benefit);
  LayerBenefits lines;
  for (const auto& [layer, by_rank] : measured)
    for (const auto& [rank, benefit] : by_rank)
      lines[layer][rank] =
          line_of(benefit, pools.contains(rank) ? common_of(pools.at(rank)) : Common{});
  return lines;
}

}  // namespace bhroute::evaluation
