#pragma once
// A table by its path, in either form that it may have on disk.

#include <filesystem>
#include <memory>
#include <vector>

#include "bhroute/calibration/calibration_table.h"

namespace bhroute::calibration {

/// load_table of a file, load_kde of a folder (`expected_layers`: the model's, for what a folder may lack).
/// Cached by path and content. Errors: those of either.
Result<std::shared_ptr<const CalibrationTable>> open_table(const std::filesystem::path& path,
                                                           const std::vector<int>& expected_layers = {});

}  // namespace bhroute::calibration
