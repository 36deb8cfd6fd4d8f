#pragma once
// The table on disk: a safetensors file. Tensors, for each layer L:
//   layer.L.values F32 [M], layer.L.counts U64 [M], layer.L.offsets U64 [groups+1]   (the counts, groups end to end)
//   layer.L.x F64 [groups, G], layer.L.cdf F64 [groups, G]                           (the grid, where there is one)
//   layer.L.rows F32 [R, num_experts], layer.L.row_keys U64 [R]                      (the sampled rows, if any)
// and TableMetadata as strings in __metadata__ (keys: format_version, model_name, model_sha256, ...). Tables with
// sampled rows are format_version "2" and have reservoir_rows and reservoir_seed; all others are "1", as ever.
// Python reads it with the `safetensors` library.

#include <filesystem>
#include <string>
#include <string_view>

#include "bhroute/calibration/calibration_table.h"

namespace bhroute::calibration {

Result<void> write_table(const std::filesystem::path& path, const CalibrationTable& table);
/// Hostile input: every size is checked before it is used. Errors name `where` (the file) and the tensor.
Result<CalibrationTable> parse_table(std::string_view bytes, const std::string& where);
Result<CalibrationTable> read_table(const std::filesystem::path& path);
/// read_table through a process-wide cache keyed by path and content (SHA-256). Thread-safe.
Result<std::shared_ptr<const CalibrationTable>> load_table(const std::filesystem::path& path);

}  // namespace bhroute::calibration
