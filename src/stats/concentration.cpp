#include "bhroute/stats/concentration.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

namespace bhroute::stats {
namespace {

double total(std::span<const std::uint64_t> counts) {
  return std::accumulate(counts.begin(), counts.end(), 0.0);
}

}  // namespace

// Sorted ascending, G = sum_i (2i - n - 1) x_i / (n sum x), i from 1.
double gini(std::span<const std::uint64_t> counts) {
  const double sum = total(counts);
  if (sum == 0.0) return 0.0;
  std::vector<std::uint64_t> sorted(counts.begin(), counts.end());
  std::ranges::sort(sorted);
  const auto n = static_cast<double>(sorted.size());
  double weighted = 0.0, rank = 1.0;
  for (const std::uint64_t count : sorted) {
    weighted += (2.0 * rank - n - 1.0) * static_cast<double>(count);
    rank += 1.0;
  }
  return weighted / (n * sum);
}

double entropy(std::span<const std::uint64_t> counts) {
  const double sum = total(counts);
  double entropy = 0.0;
  for (const std::uint64_t count : counts)
    if (count > 0)
      entropy -= static_cast<double>(count) / sum * std::log(static_cast<double>(count) / sum);
  return entropy;
}

}  // namespace bhroute::stats
