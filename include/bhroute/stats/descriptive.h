#pragma once

#include <cstddef>
#include <span>

namespace bhroute::stats {

struct MeanWithError {
  double mean = 0.0;
  double standard_error = 0.0;  ///< sd/sqrt(n), sd with ddof 1; 0 for n < 2
  std::size_t n = 0;
};

MeanWithError mean_with_error(std::span<const double> values) noexcept;
/// Of a[i] - b[i]; both of one length.
MeanWithError paired_difference(std::span<const double> a, std::span<const double> b) noexcept;

/// Linear between order statistics, as numpy.quantile's default. `sorted`: rising, not empty; 0 <= share <= 1.
double quantile(std::span<const double> sorted, double share) noexcept;

}  // namespace bhroute::stats
