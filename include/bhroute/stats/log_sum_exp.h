#pragma once

#include <limits>
#include <span>

namespace bhroute::stats {

/// log sum exp, in two parts that keep the digits of large logits: largest + log_sum.
struct LogSumExp {
  double largest = -std::numeric_limits<double>::infinity();
  double log_sum = 0.0;       ///< log of the sum of exp(logit - largest)
  double num_infinite = 0.0;  ///< logits of +inf
  double value() const noexcept { return largest + log_sum; }
};

/// NaNs do not count. Where all are -inf, their shares are equal.
LogSumExp log_sum_exp(std::span<const float> logits) noexcept;

}  // namespace bhroute::stats
