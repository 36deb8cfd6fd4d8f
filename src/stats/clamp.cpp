#include "bhroute/stats/clamp.h"

#include <algorithm>
#include <limits>

namespace bhroute::stats {

double clamp_p_value(double p) noexcept {
  constexpr double eps = std::numeric_limits<float>::epsilon();
  return std::clamp(p, eps, 1.0 - eps);  // a NaN compares false with both bounds and passes through
}

}  // namespace bhroute::stats
