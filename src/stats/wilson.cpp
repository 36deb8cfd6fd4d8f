#include "bhroute/stats/wilson.h"

#include <algorithm>
#include <cmath>

namespace bhroute::stats {
namespace {

constexpr double kZ = 1.959963984540054;  // the normal's 97.5 % quantile

}  // namespace

Interval wilson_interval(std::size_t successes, std::size_t n) noexcept {
  if (n == 0) return {0.0, 0.0, 1.0};
  const auto count = static_cast<double>(n);
  const double share = static_cast<double>(successes) / count;
  const double scale = 1.0 + kZ * kZ / count;
  const double centre = (share + kZ * kZ / (2.0 * count)) / scale;
  const double half =
      kZ / scale * std::sqrt(share * (1.0 - share) / count + kZ * kZ / (4.0 * count * count));
  return {share, std::max(0.0, centre - half), std::min(1.0, centre + half)};
}

}  // namespace bhroute::stats
