#include "rank_critical.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace bhroute::routing {

std::size_t count_above_criticals(const PolicySpec& spec, std::span<const float> largest) noexcept {
  std::size_t count = std::min(spec.min_k, largest.size());
  const std::size_t end = std::min(spec.max_k, largest.size());
  for (std::size_t j = spec.min_k; j < end; ++j)
    count += largest[j] > spec.criticals[j - spec.min_k] ? 1 : 0;
  return count;
}

std::size_t rank_critical_count(const PolicySpec& spec, std::span<const float> logits) {
  std::vector<float> statistic(logits.size()), ordered;
  calibration::compute_statistic(spec.statistic, logits, statistic);
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < logits.size(); ++i)
    if (!std::isnan(logits[i])) order.push_back(i);
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return logits[a] > logits[b]; });
  for (std::size_t i : order) ordered.push_back(statistic[i]);
  return count_above_criticals(spec, ordered);
}

}  // namespace bhroute::routing
