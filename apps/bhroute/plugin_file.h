#pragma once

#include <filesystem>
#include <string>

#include "bhroute/core/error.h"

namespace bhroute::cli {

/// libggml-bhroute.so: the one that is `given`, or, with "", beside this program in the build tree
/// or where it is installed (bin/../lib). Errors (failure): there is none.
Result<std::filesystem::path> find_plugin_file(const std::string& given = "");

}  // namespace bhroute::cli
