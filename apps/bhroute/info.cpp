// bhroute info: what this machine and this build have.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <filesystem>
#include <fstream>

#include "bhroute/calibration/kde_pickles.h"
#include "bhroute/core/file_format.h"
#include "bhroute/core/isa.h"
#include "command.h"
#include "json_output.h"
#include "model_flags.h"
#include "plugin_file.h"

namespace bhroute::cli {
namespace {

std::string cpu_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const std::size_t colon = line.find(": ");
    if (line.rfind("model name", 0) == 0 && colon != std::string::npos)
      return line.substr(colon + 2);
  }
  return "unknown";
}

std::size_t num_layer_files(const std::filesystem::path& folder) {
  std::error_code error;
  std::size_t count = 0;
  for (auto it = std::filesystem::directory_iterator(folder, error); !error && it != decltype(it){};
       it.increment(error)) {
    const std::string name = it->path().filename().string();
    if (name.rfind("distribution_model_layer_", 0) == 0 && it->path().extension() == ".pkl")
      ++count;
  }
  return count;
}

// null where there is none.
nlohmann::json plugin_path() {
  const auto found = find_plugin_file();
  return found ? nlohmann::json(found->string()) : nlohmann::json();
}

nlohmann::json facts() {
  nlohmann::json places = nlohmann::json::array();
  for (const auto& folder : calibration::kde_search_path())
    places.push_back({{"path", folder.string()}, {"layer_files", num_layer_files(folder)}});
  nlohmann::json formats;
  for (const FileFormat& format : file_formats())
    formats[std::string(format.name)] = format.version;
  return {{"version", std::string(version())},
          {"format_versions", formats},
          {"cpu", {{"name", cpu_name()}, {"cores", num_threads({})}}},
          {"isa", {{"active", active_isa()}, {"supported", supported_isas()}}},
          {"engine", {{"version", engine_version()}, {"devices", engine_devices()}}},
          {"plugin", {{"path", plugin_path()}}},
          {"kde_search_path", places}};
}

std::string readable(const nlohmann::json& facts) {
  const auto text = [&](const char* pointer) {
    return facts.at(nlohmann::json::json_pointer(pointer)).get<std::string>();
  };
  std::string page =
      fmt::format("bhroute   {}\ncpu       {}, {} cores for this process\n", text("/version"),
                  text("/cpu/name"), facts["cpu"]["cores"].get<std::size_t>());
  page += fmt::format("isa       {} (of {}; BHROUTE_FORCE_ISA forces one)\n", text("/isa/active"),
                      fmt::join(facts["isa"]["supported"].get<std::vector<std::string>>(), ", "));
  page +=
      fmt::format("engine    {}\ndevices   {}\n", text("/engine/version"), text("/engine/devices"));
  const auto& plugin = facts["plugin"]["path"];
  page += fmt::format("plugin    {}\n", plugin.is_string()
                                            ? plugin.get<std::string>()
                                            : "none: not at " + find_plugin_file().error().got);
  page +=
      "tables    where the original system's tables are looked for ($BHROUTE_KDE_DIR comes "
      "first):\n";
  for (const auto& place : facts["kde_search_path"]) {
    const auto files = place["layer_files"].get<std::size_t>();
    page += fmt::format("            {}: {}\n", place["path"].get<std::string>(),
                        files == 0 ? "nothing" : fmt::format("{} layer files", files));
  }
  return page;
}

}  // namespace

Action declare_info(CLI::App&, Context& context) {
  return [&context]() -> Result<void> {
    const nlohmann::json found = facts();
    context.console.out(context.json ? json_text(found) : readable(found));
    return {};
  };
}

}  // namespace bhroute::cli
