#pragma once

#include <cstddef>

namespace bhroute::kernels {

/// The parameters of route_step_up, shared by all targets.
struct StepUpRule {
  const float* critical_logits;
  std::size_t min_k;
  std::size_t max_k;
};

}  // namespace bhroute::kernels
