#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "compiled_layer.h"

namespace bhroute::routing {

/// The step-up (or step-down) where each expert has a null of its own: ranks by comparison,
/// p-values only for those that may be selected, to order them. Keeps its memory from token to
/// token.
class PerExpertStepUp {
 public:
  struct Bounds {
    std::size_t min_k, max_k;
    bool clamp;
  };
  /// Writes the selected experts of one token in order (p, then larger logit, then index); returns
  /// how many.
  std::size_t select(std::span<const float> logits, std::span<const float> statistic,
                     const CompiledLayer& layer, const Bounds& bounds, std::span<std::int32_t> ids);

 private:
  struct Candidate {
    double p;
    float logit;
    std::int32_t id;
  };
  void rank(std::span<const float> statistic, const CompiledLayer& layer);
  std::size_t num_passed(stats::Direction direction) const;
  std::size_t rank_reaching(std::size_t want) const;
  void collect(std::span<const float> logits, std::span<const float> statistic,
               const CompiledLayer& layer, std::size_t reach, bool clamp);

  std::vector<std::uint32_t>
      ranks_;  // smallest rank - 1 whose critical logit the expert meets; N = none
  std::vector<std::uint32_t> counts_;  // experts at each rank
  std::vector<Candidate> candidates_;
};

}  // namespace bhroute::routing
