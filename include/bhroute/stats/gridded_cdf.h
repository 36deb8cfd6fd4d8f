#pragma once
// A cumulative distribution function given by its values on a grid.

#include <span>
#include <vector>

#include "bhroute/core/error.h"

namespace bhroute::stats {

/// Linear interpolation between grid points, the end values beyond them: numpy.interp's rule, with each
/// interpolated value clamped to its segment's ends, which makes cdf() provably non-decreasing.
class GriddedCdf {
 public:
  /// Errors (invalid_input): fewer than 2 points, unequal lengths, a value that is not finite, x not strictly
  /// rising, cdf outside [0, 1] or falling. `where` names the source in the message.
  static Result<GriddedCdf> create(std::vector<double> x, std::vector<double> cdf, std::string where = "cdf grid");

  /// F(z). NaN gives NaN; -inf and +inf give the first and the last value.
  double cdf(double z) const noexcept;
  /// 1 - F(z).
  double p_value(double z) const noexcept { return 1.0 - cdf(z); }

  std::span<const double> x() const noexcept { return x_; }
  std::span<const double> values() const noexcept { return cdf_; }

 private:
  GriddedCdf(std::vector<double> x, std::vector<double> cdf) : x_(std::move(x)), cdf_(std::move(cdf)) {}
  std::vector<double> x_, cdf_;
};

}  // namespace bhroute::stats
