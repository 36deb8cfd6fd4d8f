#pragma once
// The count that follows how strong the expert ranked last within the budget is.

#include <cstddef>

#include "bhroute/routing/policy_spec.h"
#include "plain_softmax.h"

namespace bhroute::routing {

/// k0 + gain*z, z = (log p of the expert ranked `rank` - mean)/sd, rounded half up, or with
/// `dither` up or down by the token's own number; within [min_k, max_k].
std::size_t rank_signal_count(const PolicySpec& spec, const PlainSoftmax& softmax);

/// In [0, 1), the same for the same logits wherever and in whatever order they are computed: a hash
/// of the largest and the `rank`-th largest logit.
double own_dither(float largest, float ranked) noexcept;

}  // namespace bhroute::routing
