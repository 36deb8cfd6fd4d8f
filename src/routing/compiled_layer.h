#pragma once

#include <span>
#include <vector>

#include "bhroute/calibration/calibration_table.h"
#include "bhroute/stats/step_test.h"

namespace bhroute::routing {

/// One layer's step test as comparisons of the statistic with floats. `null` belongs to the table.
struct CompiledLayer {
  const calibration::LayerNull* null = nullptr;
  stats::Direction direction = stats::Direction::up;
  std::vector<float> critical_logits;  ///< [1 or num_experts, num_experts]
  bool pooled() const noexcept { return null->groups.size() == 1; }
};

/// With `clamp`, comparing the critical logits decides about the clamped p-value.
CompiledLayer compile_layer(const calibration::LayerNull& null, const stats::StepTest& test,
                            bool clamp);

}  // namespace bhroute::routing
