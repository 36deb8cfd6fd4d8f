#include "plain_softmax.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

namespace bhroute::routing {

double relative_exp(double r, double reference, double temperature) {
  if (std::isinf(reference)) return r == reference ? 1.0 : 0.0;
  return std::exp((r - reference) / temperature);
}

std::vector<double> falling_logits(std::span<const float> logits) {
  std::vector<double> values;
  std::copy_if(logits.begin(), logits.end(), std::back_inserter(values),
               [](float r) { return !std::isnan(r); });
  std::sort(values.begin(), values.end(), std::greater<>());
  return values;
}

PlainSoftmax plain_softmax(std::span<const float> logits) {
  PlainSoftmax softmax{falling_logits(logits), {}, 0.0};
  for (double r : softmax.logits)
    softmax.shares.push_back(relative_exp(r, softmax.logits.front(), 1.0));
  for (double share : softmax.shares) softmax.sum += share;
  return softmax;
}

double PlainSoftmax::log_prob(std::size_t rank) const noexcept {
  if (logits.empty()) return std::numeric_limits<double>::quiet_NaN();
  const std::size_t i = std::min(rank, logits.size()) - 1;
  if (std::isinf(logits.front())) return std::log(shares[i]) - std::log(sum);
  return logits[i] - logits.front() - std::log(sum);
}

double PlainSoftmax::entropy() const noexcept {
  double entropy = 0.0;
  for (double share : shares) {
    const double p = share / sum;
    if (p > 0.0) entropy -= p * std::log(p);
  }
  return entropy;
}

}  // namespace bhroute::routing
