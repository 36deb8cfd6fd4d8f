#pragma once
// How evenly counts are spread over categories.

#include <cstdint>
#include <span>

namespace bhroute::stats {

/// Gini (1912), as the mean absolute difference over twice the mean: 0 = all alike, (n-1)/n = all
/// in one of n. 0 where everything is 0.
double gini(std::span<const std::uint64_t> counts);
/// Shannon (1948): -sum q log q in nats, q the shares; log n = all alike. 0 where everything is 0.
double entropy(std::span<const std::uint64_t> counts);

}  // namespace bhroute::stats
