#pragma once

#include <span>
#include <vector>

#include "bhroute/calibration/calibration_table.h"

namespace bhroute::routing {

/// One layer's BH test as comparisons of the statistic with floats. `null` belongs to the table.
struct CompiledLayer {
  const calibration::LayerNull* null = nullptr;
  std::vector<float> critical_logits;  ///< [1 or num_experts, num_experts]
  bool pooled() const noexcept { return null->groups.size() == 1; }
};

/// With `clamp`, comparing the critical logits decides about the clamped p-value.
CompiledLayer compile_layer(const calibration::LayerNull& null, std::size_t num_experts,
                            double alpha, bool clamp);

}  // namespace bhroute::routing
