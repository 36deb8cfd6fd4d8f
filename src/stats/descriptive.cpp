#include "bhroute/stats/descriptive.h"

#include <algorithm>
#include <cmath>

namespace bhroute::stats {
namespace {

// Two passes: the squares of the deviations lose nothing where the mean is large beside the sd.
template <class ValueAt>
MeanWithError summarize(std::size_t n, ValueAt value_at) noexcept {
  if (n == 0) return {};
  double sum = 0.0;
  for (std::size_t i = 0; i < n; ++i) sum += value_at(i);
  const double mean = sum / static_cast<double>(n);
  if (n == 1) return {mean, 0.0, 1};
  double squares = 0.0;
  for (std::size_t i = 0; i < n; ++i) squares += (value_at(i) - mean) * (value_at(i) - mean);
  const double variance = squares / static_cast<double>(n - 1);
  return {mean, std::sqrt(variance / static_cast<double>(n)), n};
}

}  // namespace

MeanWithError mean_with_error(std::span<const double> values) noexcept {
  return summarize(values.size(), [&](std::size_t i) { return values[i]; });
}

MeanWithError paired_difference(std::span<const double> a, std::span<const double> b) noexcept {
  return summarize(std::min(a.size(), b.size()), [&](std::size_t i) { return a[i] - b[i]; });
}

double quantile(std::span<const double> sorted, double share) noexcept {
  const double place = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (place - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

}  // namespace bhroute::stats
