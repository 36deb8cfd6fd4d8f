// The p-values that do not work, computed truly on the token's logits.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "bhroute/stats/benjamini_hochberg.h"
#include "explanation.h"

namespace bhroute::cli {
namespace {

using Values = std::vector<double>;

// log softmax(sign * r) in double.
Values log_softmax(std::span<const float> logits, double sign) {
  Values scaled;
  for (const float r : logits) scaled.push_back(sign * static_cast<double>(r));
  const double top = *std::max_element(scaled.begin(), scaled.end());
  double sum = 0.0;
  for (const double s : scaled) sum += std::exp(s - top);
  for (double& s : scaled) s -= top + std::log(sum);
  return scaled;
}

std::size_t clamped(std::size_t passing, const routing::PolicySpec& policy) {
  return std::clamp(passing, policy.min_k, policy.max_k);
}

std::string bounded(std::size_t passing, const routing::PolicySpec& policy) {
  if (passing < policy.min_k)
    return fmt::format("min_k = {} selects {}", policy.min_k, policy.min_k);
  if (passing > policy.max_k) return fmt::format("max_k = {} alone decides", policy.max_k);
  return fmt::format("{} selected", passing);
}

Alternative one_minus_softmax(std::span<const float> logits, const routing::PolicySpec& policy) {
  Values p = log_softmax(logits, 1.0);
  for (double& value : p) value = 1.0 - std::exp(value);
  const auto result = stats::benjamini_hochberg(p, policy.alpha);
  const std::size_t passing = result.num_rejections;
  return {"1 - softmax", passing, clamped(passing, policy),
          fmt::format("a share of the mass is no tail probability: the values sum to N - 1, so "
                      "nearly all are high (the "
                      "smallest is {:.4f}, the critical values end at {:.4f}); {}",
                      *std::min_element(p.begin(), p.end()), result.critical_values.back(),
                      bounded(passing, policy))};
}

Alternative log_softmax_of_negative(std::span<const float> logits,
                                    const routing::PolicySpec& policy) {
  Values log_p = log_softmax(logits, -1.0);
  std::sort(log_p.begin(), log_p.end());
  Values log_c = stats::bh_critical_values(logits.size(), policy.alpha);
  for (double& c : log_c) c = std::log(c);
  const std::size_t passing = stats::step_up(log_p, log_c);
  return {"log_softmax(-r)", passing, clamped(passing, policy),
          fmt::format("softmax(-r) sums to 1 over the experts, so its values lie about 1/N "
                      "whatever the token: log p "
                      "from {:.2f} to {:.2f} against log c from {:.2f} to {:.2f}; {}",
                      log_p.front(), log_p.back(), log_c.front(), log_c.back(),
                      bounded(passing, policy))};
}

Alternative rank_over_n(std::span<const float> logits, const routing::PolicySpec& policy) {
  const auto n = static_cast<double>(logits.size());
  Values p;
  for (const float r : logits)
    p.push_back(static_cast<double>(
                    std::count_if(logits.begin(), logits.end(), [r](float s) { return s >= r; })) /
                n);
  const auto result = stats::benjamini_hochberg(p, policy.alpha);
  const std::size_t passing = result.num_rejections;
  return {"rank/N", passing, clamped(passing, policy),
          fmt::format("the same N values for every token: the best is 1/N = {:.6f}, the critical "
                      "values start at alpha/N "
                      "= {:.6f} and rise alpha times as fast; {}",
                      1.0 / n, result.critical_values.front(), bounded(passing, policy))};
}

}  // namespace

std::vector<Alternative> alternatives(std::span<const float> logits,
                                      const routing::PolicySpec& policy) {
  std::vector<float> finite;  // the formulas have no meaning for the others
  std::copy_if(logits.begin(), logits.end(), std::back_inserter(finite),
               [](float r) { return std::isfinite(r); });
  if (finite.empty()) return {};
  return {one_minus_softmax(finite, policy), log_softmax_of_negative(finite, policy),
          rank_over_n(finite, policy)};
}

}  // namespace bhroute::cli
