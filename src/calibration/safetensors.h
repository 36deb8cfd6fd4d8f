#pragma once
// The safetensors container: an 8-byte little-endian header length, a JSON header, the tensors'
// bytes. Source: the format's description in the safetensors project's README.

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "bhroute/core/error.h"

namespace bhroute::calibration {

struct Tensor {
  std::string dtype;  ///< "F32", "F64", "U64", ...
  std::vector<std::size_t> shape;
  std::string_view bytes;  ///< little-endian, row-major; owned by whoever made the Tensor
};

struct Safetensors {
  std::map<std::string, std::string> metadata;
  std::map<std::string, Tensor> tensors;
};

/// Deterministic: the same content gives the same bytes. Tensors of wide types lie first, so that
/// each is aligned.
std::string format_safetensors(const Safetensors& content);

/// The tensors are views of `bytes`. Hostile input: every size is checked before it is used;
/// nothing may overlap or be left over, as the format demands.
Result<Safetensors> parse_safetensors(std::string_view bytes, const std::string& where);

/// A tensor as the header has it: its bytes are those from `begin` to `end` of the file.
struct TensorPlace {
  std::string dtype;
  std::vector<std::size_t> shape;
  std::size_t begin = 0, end = 0;
};

struct SafetensorsLayout {
  std::map<std::string, std::string> metadata;
  std::map<std::string, TensorPlace> tensors;
};

/// The same checks by a file's header and size alone, before its tensors are read.
Result<SafetensorsLayout> read_layout(const std::filesystem::path& path, std::size_t file_size);

}  // namespace bhroute::calibration
