#pragma once
// A table's tensors, checked and decoded.

#include <string>

#include "bhroute/calibration/calibration_table.h"
#include "safetensors.h"

namespace bhroute::calibration {

/// Counts and grids apart; ten times what 100 layers of 512 experts have.
inline constexpr std::size_t kMaxGroups = std::size_t{1} << 19;

/// Errors (invalid_input): a tensor that no table has, missing ones, wrong types and shapes, counts
/// or grids that are no distribution.
Result<CalibrationTable> read_content(const Safetensors& content, const std::string& where);

}  // namespace bhroute::calibration
