#include "plugin_file.h"

#include <fmt/format.h>

#include <vector>

namespace bhroute::cli {
namespace {

constexpr const char* kPluginName = "libggml-bhroute.so";

// BHROUTE_LIB_FOLDER: where `cmake --install` puts libraries, relative to the prefix.
std::vector<std::filesystem::path> usual_places() {
  std::error_code ignored;
  const auto own = std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path();
  return {own / "../lib" / kPluginName, own / ".." / BHROUTE_LIB_FOLDER / kPluginName,
          own / kPluginName};
}

}  // namespace

Result<std::filesystem::path> find_plugin_file(const std::string& given) {
  std::error_code ignored;
  const auto places = given.empty()
                          ? usual_places()
                          : std::vector<std::filesystem::path>{std::filesystem::path(given)};
  for (const auto& place : places)
    if (std::filesystem::is_regular_file(place, ignored))
      return std::filesystem::canonical(place, ignored);
  return failure("exec", "the plugin was not found", places.front().lexically_normal().string(),
                 fmt::format("{} beside bhroute (--plugin names another)", kPluginName));
}

}  // namespace bhroute::cli
