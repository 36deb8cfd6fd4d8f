#include "bhroute/stats/log_sum_exp.h"

#include <cmath>

namespace bhroute::stats {

LogSumExp log_sum_exp(std::span<const float> logits) noexcept {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  LogSumExp result;
  for (float logit : logits) {
    if (logit > result.largest) result.largest = logit;
    if (logit == kInfinity) ++result.num_infinite;
  }
  // Where all are -inf none is better than another: an infinite shift of zeros.
  const bool all_minus = result.largest == -kInfinity;
  double sum = 0.0;
  for (float logit : logits)
    if (!std::isnan(logit)) sum += all_minus ? 1.0 : std::exp(logit - result.largest);
  result.log_sum = std::log(sum);
  return result;
}

}  // namespace bhroute::stats
