#pragma once
// Critical values by rank: what a calibrated benefit of the j-th expert compiles to.

#include <cstddef>
#include <span>

#include "bhroute/routing/policy_spec.h"

namespace bhroute::routing {

/// min_k + #{j in (min_k, max_k] : s_(j) > criticals[j - min_k - 1]}, s_(j) the statistic of the
/// j-th largest logit; at most the number of logits that are numbers.
std::size_t rank_critical_count(const PolicySpec& spec, std::span<const float> logits);

/// The same from the statistics of the largest logits, largest first.
std::size_t count_above_criticals(const PolicySpec& spec, std::span<const float> largest) noexcept;

}  // namespace bhroute::routing
