#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

namespace bhroute::testing {

/// Floats between a and b, both of one sign.
inline std::int64_t ulp_distance(float a, float b) {
  return std::abs(std::int64_t{std::bit_cast<std::int32_t>(a)} - std::bit_cast<std::int32_t>(b));
}

/// The agreement asked of routing weights: `ulps`, or 1e-38 where results are denormal.
inline bool weights_agree(float got, float want, int ulps = 4) {
  return std::fabs(got - want) <= 1e-38f || (got >= 0.0f && ulp_distance(got, want) <= ulps);
}

}  // namespace bhroute::testing
