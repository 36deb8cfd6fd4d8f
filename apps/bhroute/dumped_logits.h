#pragma once
// Calibration from router logits that something else has dumped: a folder of layer_<i>.npy.

#include <string>
#include <vector>

#include "bhroute/calibration/calibrator.h"
#include "bhroute/core/progress.h"

namespace bhroute::cli {

/// float32 [tokens, experts] (or [batch, seq, experts]) a layer, read one layer at a time and once
/// for all `options`. `top_k` is the model's own, 0 = unknown. Errors: no such file in the folder,
/// another shape or number of experts, the calibrator's.
Result<std::vector<calibration::CalibrationTable>> calibrate_dumps(
    const std::string& folder, std::size_t top_k,
    const std::vector<calibration::CalibrationOptions>& options,
    const calibration::TableMetadata& metadata, ProgressSink& progress);

}  // namespace bhroute::cli
