#pragma once

#include <vector>

#include "bhroute/calibration/calibration_table.h"

namespace bhroute::routing {

/// The layer's nulls, one an expert, as kernels/expert_nulls.h lays them out.
std::vector<double> flat_nulls(const calibration::LayerNull& layer, bool clamp);

}  // namespace bhroute::routing
