#pragma once
// The program that `bhroute exec` starts: where it is, and whether a library can be put into it.

#include <filesystem>
#include <string>
#include <vector>

#include "bhroute/core/error.h"

namespace bhroute::cli {

/// Looked up in PATH as a shell does, unless it has a slash. Errors: not found, not executable.
Result<std::filesystem::path> find_program(const std::string& name);

/// Errors: an ELF program that is linked statically, of another word size or for another machine. A
/// script passes: what it starts inherits the plugin.
Result<void> check_takes_preload(const std::filesystem::path& program);

/// What the program loads, by llama.cpp's own flag or variable; "" where its words name none.
std::string model_of(const std::vector<std::string>& program);

}  // namespace bhroute::cli
