#pragma once

namespace bhroute::stats {

/// The original system's guard: p kept in [eps, 1 - eps], eps = float32's machine epsilon (1.1920929e-07).
/// NaN stays NaN.
double clamp_p_value(double p) noexcept;

}  // namespace bhroute::stats
