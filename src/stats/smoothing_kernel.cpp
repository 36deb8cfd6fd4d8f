#include <array>
#include <cmath>
#include <numbers>
#include <utility>

#include "bhroute/stats/kde.h"

namespace bhroute::stats {
namespace {

constexpr std::array<std::pair<SmoothingKernel, std::string_view>, 4> kNames{{
    {SmoothingKernel::gaussian, "gaussian"},
    {SmoothingKernel::epanechnikov, "epanechnikov"},
    {SmoothingKernel::tophat, "tophat"},
    {SmoothingKernel::linear, "linear"},
}};

double compact_density(SmoothingKernel kernel, double u) noexcept {
  if (!(std::abs(u) <= 1.0)) return 0.0;
  if (kernel == SmoothingKernel::tophat) return 0.5;
  if (kernel == SmoothingKernel::linear) return 1.0 - std::abs(u);
  return 0.75 * (1.0 - u * u);
}

// The integral from -1 to u <= 0, factored at its zero so that the far tail cancels nothing.
double compact_left_tail(SmoothingKernel kernel, double u) noexcept {
  const double t = 1.0 + u;
  if (!(t > 0.0)) return 0.0;
  if (kernel == SmoothingKernel::tophat) return 0.5 * t;
  if (kernel == SmoothingKernel::linear) return 0.5 * t * t;
  return 0.25 * t * t * (2.0 - u);
}

}  // namespace

std::string_view to_string(SmoothingKernel kernel) noexcept {
  return kNames[static_cast<std::size_t>(kernel)].second;
}

Result<SmoothingKernel> parse_smoothing_kernel(std::string_view text) {
  for (const auto& [kernel, name] : kNames)
    if (text == name) return kernel;
  return invalid_input("smoothing kernel", "unknown name", std::string(text),
                       "gaussian, epanechnikov, tophat or linear");
}

double kernel_density(SmoothingKernel kernel, double u) noexcept {
  if (kernel != SmoothingKernel::gaussian) return compact_density(kernel, u);
  return std::exp(-0.5 * u * u) * (std::numbers::inv_sqrtpi / std::numbers::sqrt2);
}

double kernel_cdf(SmoothingKernel kernel, double u) noexcept {
  if (kernel == SmoothingKernel::gaussian) return 0.5 * std::erfc(-u / std::numbers::sqrt2);
  return u <= 0.0 ? compact_left_tail(kernel, u) : 1.0 - compact_left_tail(kernel, -u);
}

}  // namespace bhroute::stats
