#pragma once

#include <cstddef>

namespace bhroute::kernels {

/// The parameters of route_step_up and route_step_down, shared by all targets.
struct StepUpRule {
  const float* critical_logits;
  std::size_t min_k;
  std::size_t max_k;
  bool down;
};

}  // namespace bhroute::kernels
