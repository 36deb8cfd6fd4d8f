#pragma once

#include <filesystem>
#include <string>

#include "bhroute/core/error.h"

namespace bhroute::cli {

/// libggml-bhroute.so: the one that is `given`, or, with "", beside this program in the build tree
/// or where it is installed (bin/../lib). Errors (failure): there is none.
Result<std::filesystem::path> find_plugin_file(const std::string& given = "");
/// Whether LD_PRELOAD brings this plugin into a program: the loader only warns of what it cannot
/// take, and the program would run on without. Errors (invalid_input): its path, or what it is.
Result<void> check_preloads(const std::filesystem::path& plugin);

}  // namespace bhroute::cli
