#include "plugin_file.h"

#include <filesystem>

namespace bhroute::cli {

std::string find_plugin_file() {
  std::error_code ignored;
  const auto own = std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path();
  for (const char* folder : {"../lib", "../lib/bhroute", "."})
    if (const auto file = own / folder / "libggml-bhroute.so";
        std::filesystem::is_regular_file(file, ignored))
      return std::filesystem::canonical(file, ignored).string();
  return "";
}

}  // namespace bhroute::cli
