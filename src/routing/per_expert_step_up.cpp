#include "per_expert_step_up.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>

#include "bhroute/stats/clamp.h"

namespace bhroute::routing {

void PerExpertStepUp::rank(std::span<const float> statistic, const CompiledLayer& layer) {
  const std::size_t n = statistic.size();
  ranks_.resize(n);
  counts_.assign(n + 1, 0);
  for (std::size_t i = 0; i < n; ++i) {
    const auto row = std::span(layer.critical_logits).subspan(i * n, n);
    const auto met = std::partition_point(row.begin(), row.end(),
                                          [s = statistic[i]](float z) { return !(s >= z); });
    ranks_[i] = static_cast<std::uint32_t>(met - row.begin());
    ++counts_[ranks_[i]];
  }
}

std::size_t PerExpertStepUp::num_passed(stats::Direction direction) const {
  std::size_t passed = 0, reached = 0;
  for (std::size_t k = 1; k < counts_.size(); ++k) {
    reached += counts_[k - 1];
    if (reached >= k)
      passed = k;
    else if (direction == stats::Direction::down)
      break;
  }
  return passed;
}

/// How many ranks hold `want` experts: those have the smallest p-values. All of them and the rest
/// if too few pass.
std::size_t PerExpertStepUp::rank_reaching(std::size_t want) const {
  std::size_t reached = 0;
  for (std::size_t k = 1; k < counts_.size(); ++k) {
    reached += counts_[k - 1];
    if (reached >= want) return k;
  }
  return counts_.size();
}

void PerExpertStepUp::collect(std::span<const float> logits, std::span<const float> statistic,
                              const CompiledLayer& layer, std::size_t reach, bool clamp) {
  candidates_.clear();
  for (std::size_t i = 0; i < logits.size(); ++i) {
    if (ranks_[i] >= reach || std::isnan(logits[i])) continue;
    double p = layer.null->groups[i].p_value(statistic[i]);
    if (clamp) p = stats::clamp_p_value(p);
    if (std::isnan(p)) p = std::numeric_limits<double>::infinity();
    candidates_.push_back({p, logits[i], static_cast<std::int32_t>(i)});
  }
}

std::size_t PerExpertStepUp::select(std::span<const float> logits, std::span<const float> statistic,
                                    const CompiledLayer& layer, const Bounds& bounds,
                                    std::span<std::int32_t> ids) {
  rank(statistic, layer);
  const std::size_t want = std::clamp(num_passed(layer.direction), bounds.min_k, bounds.max_k);
  collect(logits, statistic, layer, rank_reaching(want), bounds.clamp);
  std::sort(candidates_.begin(), candidates_.end(), [](const Candidate& a, const Candidate& b) {
    return std::tuple(a.p, -a.logit, a.id) < std::tuple(b.p, -b.logit, b.id);
  });
  const std::size_t num = std::min(want, candidates_.size());
  for (std::size_t i = 0; i < num; ++i) ids[i] = candidates_[i].id;
  return num;
}

}  // namespace bhroute::routing
