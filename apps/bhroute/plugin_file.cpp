#include "plugin_file.h"

#include <dlfcn.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <vector>

#include "ggml/preload.h"

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

/// "" where it can be loaded and is ours, else why not.
std::string load(const char* plugin) {
  unsetenv(ggml::kExecVariable);  // of an `exec` around this one, whose program this is not
  void* loaded = dlopen(plugin, RTLD_NOW | RTLD_LOCAL);
  if (loaded == nullptr) return fmt::format("the plugin cannot be loaded ({})", dlerror());
  if (dlsym(loaded, ggml::kVersionSymbol) == nullptr)
    return fmt::format("the plugin is not {}", kPluginName);
  return "";
}

std::string read_all(int descriptor) {
  std::string text;
  std::array<char, 512> part{};
  for (ssize_t n = 0; (n = read(descriptor, part.data(), part.size())) > 0;)
    text.append(part.data(), static_cast<std::size_t>(n));
  return text;
}

/// In a child, since loading runs the file's own code.
std::string try_loading(const std::filesystem::path& plugin) {
  std::array<int, 2> ends{};
  if (pipe(ends.data()) != 0) return "";
  const pid_t child = fork();
  if (child == 0) {
    const std::string reason = load(plugin.c_str());
    _exit(write(ends[1], reason.data(), reason.size()) < 0);
  }
  close(ends[1]);
  const std::string reason = read_all(ends[0]);
  close(ends[0]);
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) < 0 || status == 0) return reason;
  return "the plugin cannot be loaded (it ends the process)";
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

Result<void> check_preloads(const std::filesystem::path& plugin) {
  if (plugin.string().find_first_of(" :$") != std::string::npos)
    return invalid_input("exec", "LD_PRELOAD cannot hold the plugin's path", plugin.string(),
                         "one without blanks, ':' and '$' (--plugin names a copy)");
  const std::string reason = try_loading(plugin);
  if (reason.empty()) return {};
  return invalid_input("exec", reason, plugin.string(),
                       fmt::format("the {} of this bhroute", kPluginName));
}

}  // namespace bhroute::cli
