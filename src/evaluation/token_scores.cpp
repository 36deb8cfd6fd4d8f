#include "bhroute/evaluation/token_scores.h"

#include <algorithm>
#include <cmath>

namespace bhroute::evaluation {

RowSummary summarize_row(std::span<const float> logits) noexcept {
  const auto largest = std::max_element(logits.begin(), logits.end());
  const float max = *largest;
  double sum = 0.0;
  for (float logit : logits) sum += std::exp(logit - max);
  return {max, static_cast<std::size_t>(largest - logits.begin()), std::log(sum)};
}

double token_loss(std::span<const float> logits, const RowSummary& summary,
                  std::size_t token) noexcept {
  return -(logits[token] - summary.max - summary.log_sum);
}

double kl_divergence(std::span<const float> own, const RowSummary& own_summary,
                     std::span<const float> policy, const RowSummary& policy_summary) noexcept {
  // Differences of shifted logits are weighed by exp(own - max) and normalised once: two equal rows
  // give exactly 0, and no logarithm is taken in the loop.
  double weighted = 0.0, total = 0.0;
  for (std::size_t i = 0; i < own.size(); ++i) {
    const float shifted = own[i] - own_summary.max;
    const double weight = std::exp(shifted);
    total += weight;
    if (weight > 0.0) weighted += weight * (shifted - (policy[i] - policy_summary.max));
  }
  return weighted / total + policy_summary.log_sum - own_summary.log_sum;
}

}  // namespace bhroute::evaluation
