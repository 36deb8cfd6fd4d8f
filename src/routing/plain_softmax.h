#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace bhroute::routing {

/// A token's softmax at temperature 1 in double, relative to the largest, ordered. NaN logits take
/// no part; logits that share an infinite maximum share the mass.
struct PlainSoftmax {
  std::vector<double> logits;  ///< that are numbers, falling
  std::vector<double> shares;  ///< exp(r_i - r_1): p_i/p_1, falling
  double sum = 0.0;            ///< of the shares: 1/p_1

  /// log p of the expert ranked `rank` >= 1; the last one's where there are fewer.
  double log_prob(std::size_t rank) const noexcept;
  /// -sum p log p in nats.
  double entropy() const noexcept;
};
PlainSoftmax plain_softmax(std::span<const float> logits);

/// exp((r - reference)/temperature), reference the largest logit of those compared; an infinite
/// reference leaves 1 for those equal to it and 0 for the rest.
double relative_exp(double r, double reference, double temperature);

/// The logits that are numbers, largest first.
std::vector<double> falling_logits(std::span<const float> logits);

}  // namespace bhroute::routing
