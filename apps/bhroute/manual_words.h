#pragma once
// What the manual says beside the flags.

#include <span>
#include <string_view>

namespace bhroute::cli {

struct ManualEntry {
  std::string_view name, meaning;
};

/// Environment variables that the program reads.
std::span<const ManualEntry> environment_variables();
std::span<const ManualEntry> exit_codes();

}  // namespace bhroute::cli
