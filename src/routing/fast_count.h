#pragma once
// The count of a rule without p-values from a token's largest logits and the kernels' sums.

#include <optional>
#include <span>

#include "bhroute/kernels/routing_kernels.h"
#include "bhroute/routing/policy_spec.h"

namespace bhroute::routing {

/// One layer's rule, ready to count.
class FastCount {
 public:
  explicit FastCount(const PolicySpec& spec);

  const PolicySpec& spec() const noexcept { return spec_; }
  /// How many of the largest logits count() must see.
  std::size_t depth() const noexcept;
  bool needs_softmax() const noexcept;

  /// The count that rival_count gives, or nothing where the kernels' sums leave it in doubt.
  /// `largest`: the depth() largest logits, falling, or all that are numbers. Not for `critical`.
  std::optional<std::size_t> count(std::span<const float> largest,
                                   const kernels::SoftmaxFacts& facts) const noexcept;

 private:
  std::optional<std::size_t> before_bounds(std::span<const float> largest,
                                           const kernels::SoftmaxFacts& facts) const noexcept;
  PolicySpec spec_;
  double critical_difference_ = 0.0;  // rules that compare p_i with p_1
};

/// The smallest r - r_1 <= 0 whose exp passes; +inf where not even exp(0) does, -inf where 0 does.
double critical_difference(const PolicySpec& spec) noexcept;

}  // namespace bhroute::routing
