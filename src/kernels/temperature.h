#pragma once

#include <algorithm>

namespace bhroute::kernels {

/// Finite, so that a difference of 0 stays 0; beyond 1e300 any other difference has weight 0 all
/// the same.
inline double inverse_temperature(double temperature) noexcept {
  return 1.0 / std::max(temperature, 1e-300);
}

}  // namespace bhroute::kernels
