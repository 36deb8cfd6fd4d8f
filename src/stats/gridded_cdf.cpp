#include "bhroute/stats/gridded_cdf.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace bhroute::stats {
namespace {

Result<void> check_shape(std::span<const double> x, std::span<const double> cdf,
                         const std::string& where) {
  if (x.size() != cdf.size())
    return invalid_input(where, "x and cdf differ in length",
                         fmt::format("{} and {}", x.size(), cdf.size()), "equal lengths");
  if (x.size() < 2)
    return invalid_input(where, "too few grid points", fmt::format("{}", x.size()), "at least 2");
  return {};
}

Result<void> check_point(double x, double cdf, std::size_t i, const std::string& where) {
  if (!std::isfinite(x))
    return invalid_input(where, fmt::format("x[{}] is not finite", i), fmt::format("{}", x));
  if (!(cdf >= 0.0 && cdf <= 1.0))
    return invalid_input(where, fmt::format("cdf[{}] is out of range", i), fmt::format("{}", cdf),
                         "a value in [0, 1]");
  return {};
}

Result<void> check_step(std::span<const double> x, std::span<const double> cdf, std::size_t i,
                        const std::string& where) {
  if (!(x[i - 1] < x[i]))
    return invalid_input(where, fmt::format("x does not rise at [{}]", i),
                         fmt::format("{} after {}", x[i], x[i - 1]), "strictly rising x");
  if (cdf[i] < cdf[i - 1])
    return invalid_input(where, fmt::format("cdf falls at [{}]", i),
                         fmt::format("{} after {}", cdf[i], cdf[i - 1]), "a non-decreasing cdf");
  return {};
}

Result<void> check(std::span<const double> x, std::span<const double> cdf,
                   const std::string& where) {
  if (auto shape = check_shape(x, cdf, where); !shape) return shape;
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (auto point = check_point(x[i], cdf[i], i, where); !point) return point;
    if (i == 0) continue;
    if (auto step = check_step(x, cdf, i, where); !step) return step;
  }
  return {};
}

}  // namespace

Result<GriddedCdf> GriddedCdf::create(std::vector<double> x, std::vector<double> cdf,
                                      std::string where) {
  return check(x, cdf, where).map([&] { return GriddedCdf(std::move(x), std::move(cdf)); });
}

double GriddedCdf::cdf(double z) const noexcept {
  if (std::isnan(z)) return z;
  if (z < x_.front()) return cdf_.front();
  if (z >= x_.back()) return cdf_.back();
  const auto above = std::upper_bound(x_.begin(), x_.end(), z);
  const std::size_t j = static_cast<std::size_t>(above - x_.begin()) - 1;
  const double slope = (cdf_[j + 1] - cdf_[j]) / (x_[j + 1] - x_[j]);
  const double value = slope * (z - x_[j]) + cdf_[j];
  // An overflow in the slope may make a NaN; it fails the comparison and takes the segment's start.
  return value > cdf_[j] ? std::min(value, cdf_[j + 1]) : cdf_[j];
}

}  // namespace bhroute::stats
