#include "bhroute/stats/kde.h"

#include <fmt/format.h>

#include <algorithm>

#include "gaussian_smoothing.h"

namespace bhroute::stats {
namespace {

std::vector<double> equidistant(double from, double to, std::size_t size) {
  std::vector<double> points(size);
  const double step = (to - from) / static_cast<double>(size - 1);
  for (std::size_t i = 0; i < size; ++i) points[i] = from + static_cast<double>(i) * step;
  points.back() = to;
  return points;
}

// Values a bandwidth or more below z count in full, those as far above not at all: only the window
// between is summed.
std::vector<double> compact_cdf_on_grid(const CountedSample& sample, SmoothingKernel kernel,
                                        double h, std::span<const double> grid) {
  const auto values = sample.values();
  std::vector<double> cdf;
  cdf.reserve(grid.size());
  std::size_t first = 0;
  for (const double z : grid) {
    while (first < values.size() && (z - values[first]) / h >= 1.0) ++first;
    double sum = static_cast<double>(sample.size() - sample.count_from(first));
    for (std::size_t i = first; i < values.size(); ++i) {
      const double u = (z - values[i]) / h;
      if (u <= -1.0) break;
      sum += static_cast<double>(sample.count(i)) * kernel_cdf(kernel, u);
    }
    cdf.push_back(sum / static_cast<double>(sample.size()));
  }
  return cdf;
}

// Rounding may let a sum fall by an ulp or miss 1 at the end.
void make_monotone(std::vector<double>& cdf) noexcept {
  double largest = 0.0;
  for (double& value : cdf) value = largest = std::clamp(value, largest, 1.0);
  cdf.back() = 1.0;
}

Result<GriddedCdf> smooth_with(const CountedSample& sample, const KdeOptions& options, double h) {
  const bool gaussian = options.kernel == SmoothingKernel::gaussian;
  const double margin = gaussian ? 4.0 * h : h;
  std::vector<double> grid = equidistant(sample.values().front() - margin,
                                         sample.values().back() + margin, options.grid_size);
  std::vector<double> cdf = gaussian ? gaussian_cdf_on_grid(sample, h, grid)
                                     : compact_cdf_on_grid(sample, options.kernel, h, grid);
  make_monotone(cdf);
  return GriddedCdf::create(std::move(grid), std::move(cdf),
                            fmt::format("kde grid of bandwidth {}", h));
}

}  // namespace

double kde_cdf(const CountedSample& sample, SmoothingKernel kernel, double h, double z) noexcept {
  double sum = 0.0;
  for (std::size_t i = 0; i < sample.values().size(); ++i)
    sum += static_cast<double>(sample.count(i)) * kernel_cdf(kernel, (z - sample.values()[i]) / h);
  return std::min(1.0, sum / static_cast<double>(sample.size()));
}

Result<GriddedCdf> smooth(const CountedSample& sample, const KdeOptions& options) {
  if (options.grid_size < 2)
    return invalid_input("kde grid size", "too small", fmt::format("{}", options.grid_size),
                         "at least 2");
  return bandwidth_value(options.bandwidth, sample).and_then([&](double h) {
    return smooth_with(sample, options, h);
  });
}

}  // namespace bhroute::stats
