#pragma once
// NumPy's .npy format, versions 1.0 to 3.0, read for little-endian float32 and float64 in C order.
// Source: numpy.lib.format. Hostile input: every size is checked against the file before anything is allocated.

#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

#include "bhroute/core/error.h"

namespace bhroute {

struct NpyArray {
  std::vector<std::size_t> shape;
  std::vector<float> values;  ///< float64 files are narrowed; a float32 file is kept bit for bit
};

/// A regular file, read piece by piece: memory for its values alone, and none before its size is found to be its shape's
/// and `check`, if there is one, finds the shape right.
using ShapeCheck = Result<void> (*)(std::span<const std::size_t> shape);
Result<NpyArray> read_npy(const std::filesystem::path& path, ShapeCheck check = nullptr);
/// The same from memory; `where` names it in errors.
Result<NpyArray> parse_npy(std::string_view bytes, std::string_view where);
/// float32, C order, version 1.0.
std::string format_npy(std::span<const float> values, std::span<const std::size_t> shape);

}  // namespace bhroute
