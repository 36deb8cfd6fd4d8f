#pragma once

#include <string>

#include "bhroute/core/error.h"

namespace bhroute::cli {

struct InputText {
  std::string content, where;  ///< `where`: the file's name, or "stdin"
};

/// The whole of a file, or of stdin for "-".
Result<InputText> read_input(const std::string& path);

}  // namespace bhroute::cli
