#pragma once
// The interval of a share.

#include <cstddef>

#include "bhroute/stats/block_bootstrap.h"

namespace bhroute::stats {

/// Wilson (1927), Probable inference, the law of succession, and statistical inference, J. Am.
/// Stat. Assoc. 22, 209-212: bounds p solve |successes/n - p| = z sqrt(p (1 - p) / n), z = 1.959964
/// for 95 %. n = 0 gives [0, 1] around 0.
Interval wilson_interval(std::size_t successes, std::size_t n) noexcept;

}  // namespace bhroute::stats
