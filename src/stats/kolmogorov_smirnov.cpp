#include "bhroute/stats/kolmogorov_smirnov.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace bhroute::stats {
namespace {

double total_of(const CountedPValues& values) {
  std::uint64_t total = 0;
  for (const auto& [p, count] : values) total += count;
  return static_cast<double>(total);
}

// #{sample <= z} / n, for z among the values of either sample.
double cdf(const CountedSample& sample, float z) {
  const auto values = sample.values();
  const auto past = std::upper_bound(values.begin(), values.end(), z) - values.begin();
  const auto above = sample.count_from(static_cast<std::size_t>(past));
  return 1.0 - static_cast<double>(above) / static_cast<double>(sample.size());
}

}  // namespace

double ks_distance_from_uniform(const CountedPValues& rising) {
  if (rising.empty()) return std::numeric_limits<double>::quiet_NaN();
  const double total = total_of(rising);
  std::uint64_t below = 0;
  double largest = 0.0;
  // F jumps at each value: the distance is largest just before or at a jump.
  for (const auto& [p, count] : rising) {
    largest = std::max(largest, p - static_cast<double>(below) / total);
    below += count;
    largest = std::max(largest, static_cast<double>(below) / total - p);
  }
  return largest;
}

double quantile(const CountedPValues& rising, double share) {
  const double wanted = share * total_of(rising);
  std::uint64_t seen = 0;
  for (const auto& [p, count] : rising) {
    seen += count;
    if (static_cast<double>(seen) >= wanted) return p;
  }
  return rising.back().first;
}

double ks_distance(const CountedSample& a, const CountedSample& b) {
  double largest = 0.0;
  for (const CountedSample* sample : {&a, &b})
    for (float z : sample->values()) largest = std::max(largest, std::abs(cdf(a, z) - cdf(b, z)));
  return largest;
}

}  // namespace bhroute::stats
