#pragma once
// Our own look at a GGUF's header before llama.cpp sees the file: it trusts the sizes that it
// reads.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "bhroute/core/error.h"

namespace bhroute::llama {

struct GgufHeader {
  std::uint32_t version = 0;
  std::uint64_t num_keys = 0, num_tensors = 0;
  std::size_t data_offset =
      0;  ///< bytes; where the tensors' data begin, or the end of a file without tensors
};

/// Magic, version, and that every count, length, type and offset of the header lies within `bytes`,
/// the whole file. Reads nothing behind the header and keeps nothing. Errors (invalid_input),
/// `where` in front. Source: github.com/ggml-org/ggml/blob/master/docs/gguf.md, versions 2 and 3,
/// little-endian.
Result<GgufHeader> parse_gguf_header(std::string_view bytes, const std::string& where);

/// The same of a file, mapped: pages that hold no header are not read. Errors: no such file as
/// well.
Result<GgufHeader> check_gguf_header(const std::string& path);

}  // namespace bhroute::llama
