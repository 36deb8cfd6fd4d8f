#include "compiled_layer.h"

#include "bhroute/calibration/critical_logits.h"
#include "bhroute/stats/clamp.h"

namespace bhroute::routing {
namespace {

/// The bound on p that decides whether the clamped p is <= c: none passes below the clamp's range,
/// every number above.
double bound_before_clamp(double c) {
  if (c < stats::clamp_p_value(0.0)) return -1.0;
  if (c >= stats::clamp_p_value(1.0)) return 2.0;
  return c;
}

}  // namespace

CompiledLayer compile_layer(const calibration::LayerNull& null, const stats::StepTest& test,
                            bool clamp) {
  std::vector<double> critical_values = test.critical_values;
  if (clamp)
    for (double& c : critical_values) c = bound_before_clamp(c);
  return {&null, test.direction, calibration::critical_logits(null, critical_values)};
}

}  // namespace bhroute::routing
