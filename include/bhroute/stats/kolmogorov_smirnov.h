#pragma once
// How far a sample is from a distribution, or from another sample.

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "bhroute/stats/counted_sample.h"

namespace bhroute::stats {

/// Values in [0, 1], rising, each with how often it came.
using CountedPValues = std::vector<std::pair<double, std::uint64_t>>;

/// sup over u of |F(u) - u|, F the values' empirical CDF: Kolmogorov's distance from the uniform
/// distribution on [0, 1] (Kolmogorov 1933; scipy.stats.kstest). NaN where there are none.
double ks_distance_from_uniform(const CountedPValues& rising);

/// The smallest value whose empirical CDF is at least `share` (the inverted CDF). `rising` is not
/// empty.
double quantile(const CountedPValues& rising, double share);

/// Smirnov's distance of two samples, sup over z of |F_a(z) - F_b(z)| (scipy.stats.ks_2samp).
double ks_distance(const CountedSample& a, const CountedSample& b);

}  // namespace bhroute::stats
