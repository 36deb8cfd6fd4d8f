#include <nlohmann/json.hpp>

#include "bhroute/evaluation/compare.h"
#include "bhroute/evaluation/report.h"
#include "sweep_plan.h"

namespace bhroute::evaluation {
namespace {

using nlohmann::json;

/// The text under `key`, "" where there is none.
std::string text_of(const json& run, const char* key) {
  if (!run.is_object()) return "";
  const auto found = run.find(key);
  return found != run.end() && found->is_string() ? found->get<std::string>() : "";
}

Result<StoredRun> load_named(const std::filesystem::path& folder, const json& run) {
  const std::string name = text_of(run, "name");
  return load_run(folder / "runs" / (slug(name) + ".json"));
}

Result<StoredRun> load_baseline(const json& results, const std::filesystem::path& folder) {
  if (results.is_object() && results.contains("runs"))
    for (const json& run : results["runs"])
      if (text_of(run, "role") == "baseline") return load_named(folder, run);
  return invalid_input(folder.string(), "holds no run of the model's own routing");
}

Error in_folders(Error error, std::string folders) {
  error.where = std::move(folders);
  return error;
}

}  // namespace

Result<void> pair_with_first(json& other, const std::filesystem::path& other_folder,
                             const json& first, const std::filesystem::path& first_folder) {
  const auto reference = load_baseline(first, first_folder);
  if (!reference) return tl::make_unexpected(reference.error());
  if (!other.is_object() || !other.contains("runs") || !other["runs"].is_array())
    return invalid_input(other_folder.string(), "holds no list of runs");
  for (json& run : other["runs"]) {
    const auto stored = load_named(other_folder, run);
    if (!stored) return tl::make_unexpected(stored.error());
    const auto found = compare_runs(*stored, *reference);
    if (!found)
      return tl::make_unexpected(
          in_folders(found.error(), other_folder.string() + ", " + first_folder.string()));
    run["reference_difference"] = found->difference.estimate;
    run["reference_difference_low"] = found->difference.low;
    run["reference_difference_high"] = found->difference.high;
  }
  return {};
}

}  // namespace bhroute::evaluation
