#pragma once
// Python, for tests that compare with what other people's readers make of our files.

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>

#include "bhroute/core/file.h"
#include "bhroute/core/file_limits.h"

namespace bhroute::calibration::testing {

/// A command that runs Python with `modules` ("numpy, safetensors"): $BHROUTE_PYTHON, the project's
/// .venv, or the system's. Nothing where none of them has the modules.
inline std::optional<std::string> python_with(const std::string& modules) {
  const char* chosen = std::getenv("BHROUTE_PYTHON");
  for (const std::string& python :
       {std::string(chosen == nullptr ? "" : chosen),
        std::string(BHROUTE_SOURCE_DIR "/.venv/bin/python"), std::string("python3")}) {
    if (python.empty()) continue;
    if (std::system(("'" + python + "' -c 'import " + modules + "' >/dev/null 2>&1").c_str()) == 0)
      return "'" + python + "'";
  }
  return std::nullopt;
}

/// Runs `script` in `folder`; what it printed.
inline std::string run_python(const std::string& python, const std::filesystem::path& folder,
                              const std::string& script) {
  const auto file = folder / "script.py", out = folder / "script.out";
  if (!write_file(file, script)) return "cannot write the script";
  const std::string command =
      "cd '" + folder.string() + "' && " + python + " script.py > '" + out.string() + "' 2>&1";
  const int status = std::system(command.c_str());
  return read_file(out, kMaxTextBytes).value_or("no output") + (status == 0 ? "" : "(failed)");
}

}  // namespace bhroute::calibration::testing
