#include "quickstart_finished.h"

#include <filesystem>

#include "bhroute/core/file.h"
#include "bhroute/core/file_format.h"
#include "bhroute/core/file_limits.h"
#include "bhroute/core/json.h"
#include "bhroute/core/sha256.h"
#include "bhroute/core/version.h"
#include "json_output.h"

namespace bhroute::cli {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

/// "" where it cannot be read.
std::string digest_of(const std::string& path) { return sha256_file(path).value_or(""); }

void add_file(json& files, const fs::directory_entry& entry, const std::string& folder) {
  std::error_code ignored;
  if (entry.is_regular_file(ignored) && entry.path().filename() != ".lock")
    files[entry.path().lexically_relative(folder).string()] = digest_of(entry.path().string());
}

/// Path in the folder -> hash: policies, their tables and ranking; all of the sweep's folder.
json files_of(const std::string& step, const QuickstartPaths& paths) {
  json files = json::object();
  std::error_code ignored;
  if (step == "sweep")
    for (const auto& entry : fs::recursive_directory_iterator(paths.sweep(), ignored))
      add_file(files, entry, paths.folder);
  if (step == "tune")
    for (const auto& entry : fs::directory_iterator(paths.folder, ignored))
      if (entry.path().filename().string().starts_with("policy."))
        add_file(files, entry, paths.folder);
  return files;
}

std::string hash_of_inputs(const QuickstartProbe& probe, const std::string& text,
                           const Words& words, const json& files) {
  return sha256(dump_json({{"model", probe.model.sha256},
                           {"engine", probe.model.engine},
                           {"version", std::string(version())},
                           {"text", sha256(text)},
                           {"words", words},
                           {"files", files}}));
}

/// Of all runs with these settings.
ModelFlags without_names(ModelFlags flags) {
  flags.model = "";
  flags.threads = 0;
  return flags;
}

}  // namespace

FinishedSteps::FinishedSteps(QuickstartPaths paths) : paths_(std::move(paths)) {
  const auto found = read_json(paths_.finished(), kMaxJsonBytes);
  if (!found || !check_format_version(*found, kFinishedFormat, paths_.finished())) return;
  const auto steps = found->find("steps"), made_from = found->find("made_from");
  is_there_ = steps != found->end() && steps->is_object();
  if (is_there_) steps_ = *steps;
  if (made_from != found->end() && made_from->is_object()) made_from_ = *made_from;
}

bool FinishedSteps::has(const std::string& step, const std::string& inputs) const {
  const auto known = steps_.find(step);
  return known != steps_.end() &&
         *known == json{{"inputs", inputs}, {"files", files_of(step, paths_)}};
}

Result<std::vector<std::string>> FinishedSteps::begin(const QuickstartProbe& probe, double budget) {
  const json now{{"model", probe.model.sha256},
                 {"text", sha256(probe.text.learning + probe.text.evaluation)},
                 {"budget", budget}};
  std::vector<std::string> differing;
  for (const char* key : {"model", "text", "budget"})
    if (made_from_.contains(key) && made_from_[key] != now[key]) differing.emplace_back(key);
  made_from_ = now;
  return write().map([&] { return differing; });
}

Result<void> FinishedSteps::add(const std::string& step, const std::string& inputs) {
  steps_[step] = {{"inputs", inputs}, {"files", files_of(step, paths_)}};
  return write();
}

Result<void> FinishedSteps::write() const {
  return write_file(paths_.finished(), json_text({{kFormatVersionKey, kFinishedFormat.version},
                                                  {"made_from", made_from_},
                                                  {"steps", steps_}}));
}

std::string tune_inputs(const ModelFlags& flags, const QuickstartProbe& probe, double budget) {
  return hash_of_inputs(probe, probe.text.learning,
                        tune_words(without_names(flags), probe.plan(), budget, {}), {});
}

std::string sweep_inputs(const ModelFlags& flags, const QuickstartProbe& probe,
                         const QuickstartPaths& paths) {
  json files = files_of("tune", paths);
  files["configurations"] = digest_of(paths.configurations());
  files["table"] = digest_of(paths.table());
  return hash_of_inputs(probe, probe.text.evaluation,
                        sweep_words(without_names(flags), probe.plan(), {}), files);
}

}  // namespace bhroute::cli
