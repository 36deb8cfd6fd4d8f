#pragma once

#include <cstddef>
#include <string>

#include "bhroute/core/error.h"

namespace bhroute::cli {

struct InputText {
  std::string content, where;  ///< `where`: the file's name, or "stdin"
};

/// The whole of a file, or of stdin for "-". Errors: as read_file's.
Result<InputText> read_input(const std::string& path, std::size_t max_bytes);

}  // namespace bhroute::cli
