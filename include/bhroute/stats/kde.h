#pragma once
// Kernel density estimation of a weighted sample, as a CDF: the integral of the smoothing kernel, not a running
// sum of densities. Silverman, Density Estimation (1986), eqs. 2.2a and 3.31; Scott (1992), eq. 6.42.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "bhroute/core/error.h"
#include "bhroute/stats/counted_sample.h"
#include "bhroute/stats/gridded_cdf.h"

namespace bhroute::stats {

enum class SmoothingKernel { gaussian, epanechnikov, tophat, linear };
std::string_view to_string(SmoothingKernel kernel) noexcept;
Result<SmoothingKernel> parse_smoothing_kernel(std::string_view text);

/// Density of the kernel at u and its integral from -inf to u. Bandwidth 1: gaussian has sd 1, the others
/// support [-1, 1] (scikit-learn's convention).
double kernel_density(SmoothingKernel kernel, double u) noexcept;
double kernel_cdf(SmoothingKernel kernel, double u) noexcept;

enum class BandwidthRule { scott, silverman };
/// A rule or a positive number in the unit of the statistic.
using Bandwidth = std::variant<BandwidthRule, double>;
std::string to_string(const Bandwidth& bandwidth);
/// "scott", "silverman" or a positive finite number.
Result<Bandwidth> parse_bandwidth(std::string_view text);
/// The number a rule stands for. scott: sd * n^(-1/5); silverman: sd * (3n/4)^(-1/5), as
/// scipy.stats.gaussian_kde has it, sd with ddof 1. Errors: a sample of one distinct value (sd 0).
Result<double> bandwidth_value(const Bandwidth& bandwidth, const CountedSample& sample);

struct KdeOptions {
  SmoothingKernel kernel = SmoothingKernel::gaussian;
  Bandwidth bandwidth = BandwidthRule::scott;
  std::size_t grid_size = 10000;
};

/// F(z) of the estimate at one point: the weighted mean of kernel_cdf((z - x_i)/h). O(distinct values).
double kde_cdf(const CountedSample& sample, SmoothingKernel kernel, double h, double z) noexcept;
/// F on `grid_size` equidistant points from min - 4h to max + 4h (min - h to max + h for the compact kernels),
/// each point the exact integral; the last value is 1.
Result<GriddedCdf> smooth(const CountedSample& sample, const KdeOptions& options);

}  // namespace bhroute::stats
