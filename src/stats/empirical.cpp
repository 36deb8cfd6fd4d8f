#include "bhroute/stats/empirical.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace bhroute::stats {
namespace {

double nan_as_smallest(double value) noexcept {
  return std::isnan(value) ? -std::numeric_limits<double>::infinity() : value;
}

double right_tail(const std::vector<double>& sorted, double value) noexcept {
  if (std::isnan(value)) return 1.0;
  const auto above = std::upper_bound(sorted.begin(), sorted.end(), value);
  return 1.0 - static_cast<double>(above - sorted.begin()) / static_cast<double>(sorted.size());
}

}  // namespace

std::vector<double> right_tail_ranks(std::span<const double> sample) {
  std::vector<double> sorted(sample.size());
  std::transform(sample.begin(), sample.end(), sorted.begin(), nan_as_smallest);
  std::sort(sorted.begin(), sorted.end());
  std::vector<double> p_values(sample.size());
  std::transform(sample.begin(), sample.end(), p_values.begin(),
                 [&](double value) { return right_tail(sorted, value); });
  return p_values;
}

std::vector<double> empirical_p_values(std::span<const double> logits, std::size_t num_tokens,
                                       std::size_t num_experts) {
  if (num_tokens == 1) return right_tail_ranks(logits.first(num_experts));
  std::vector<double> p_values(num_tokens * num_experts);
  std::vector<double> column(num_tokens);
  for (std::size_t expert = 0; expert < num_experts; ++expert) {
    for (std::size_t t = 0; t < num_tokens; ++t) column[t] = logits[t * num_experts + expert];
    const std::vector<double> ranks = right_tail_ranks(column);
    for (std::size_t t = 0; t < num_tokens; ++t) p_values[t * num_experts + expert] = ranks[t];
  }
  return p_values;
}

}  // namespace bhroute::stats
