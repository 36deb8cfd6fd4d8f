#pragma once
// Which experts an engine runs for a policy's decision. A policy sees the router's logits; an
// engine may rank its experts by something else as well (a selection bias, expert groups), breaks
// ties in its own way, and sums in its own order.

#include <cstddef>
#include <cstdint>
#include <span>

namespace bhroute::routing {

/// One token's experts as the engine ranks them.
struct EngineRanking {
  std::span<const std::int32_t> order;  ///< every expert once, the engine's best first
  std::size_t num_rankable =
      0;  ///< how many the engine may choose at all (expert groups mask the rest)
};

/// Writes the experts to run, in the engine's order, and returns how many. A policy that ranks by
/// the logit, that is, whose `selected` are some n largest logits, decides how many: the engine's
/// own first n are taken. Any other set is taken as it is. Experts that the engine masks are left
/// out; where that leaves none, its best one is taken. `selected`: distinct ids. `experts` has room for selected.size().
std::size_t follow_engine_order(std::span<const float> logits,
                                std::span<const std::int32_t> selected,
                                const EngineRanking& ranking, std::span<std::int32_t> experts);

}  // namespace bhroute::routing
