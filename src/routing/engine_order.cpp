#include "bhroute/routing/engine_order.h"

#include <algorithm>
#include <limits>
#include <vector>

namespace bhroute::routing {
namespace {

// No expert outside has a larger logit than the smallest inside, and no logit is NaN.
bool are_largest(std::span<const float> logits, std::span<const std::int32_t> selected) {
  float smallest = std::numeric_limits<float>::infinity();
  for (std::int32_t expert : selected) smallest = std::min(smallest, logits[expert]);
  const auto above = [&](float logit) { return !(logit <= smallest); };  // NaN counts as above
  const auto outside_and_inside = std::count_if(logits.begin(), logits.end(), above);
  const auto inside = std::count_if(selected.begin(), selected.end(),
                                    [&](std::int32_t expert) { return above(logits[expert]); });
  return outside_and_inside == inside;
}

}  // namespace

std::size_t follow_engine_order(std::span<const float> logits,
                                std::span<const std::int32_t> selected,
                                const EngineRanking& ranking, std::span<std::int32_t> experts) {
  const auto rankable = ranking.order.first(std::min(ranking.num_rankable, ranking.order.size()));
  if (are_largest(logits, selected)) {
    const std::size_t count = std::min(selected.size(), rankable.size());
    std::copy_n(rankable.begin(), count, experts.begin());
    return count;
  }
  thread_local std::vector<std::uint8_t> is_selected;
  is_selected.assign(logits.size(), 0);
  for (std::int32_t expert : selected) is_selected[expert] = 1;
  const auto end = std::copy_if(rankable.begin(), rankable.end(), experts.begin(),
                                [&](std::int32_t expert) { return is_selected[expert] != 0; });
  if (end != experts.begin() || selected.empty() || rankable.empty())
    return static_cast<std::size_t>(end - experts.begin());
  experts[0] = rankable.front();  // all of them masked
  return 1;
}

}  // namespace bhroute::routing
