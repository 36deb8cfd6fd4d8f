#include "run_store.h"

#include <nlohmann/json.hpp>

#include "bhroute/core/file.h"
#include "bhroute/core/file_format.h"
#include "bhroute/core/file_limits.h"
#include "bhroute/core/json.h"
#include "bhroute/core/log.h"
#include "bhroute/evaluation/run_losses.h"

namespace bhroute::evaluation {
namespace {

using nlohmann::json;

std::string text_at(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

Result<json> read_run_json(const std::filesystem::path& path) {
  auto parsed = read_json(path, kMaxJsonBytes);
  if (!parsed) return parsed;
  if (!parsed->is_object() || !parsed->contains("run"))
    return invalid_input(path.string(), "not a run's result");
  if (auto ok = check_format_version(*parsed, kRunFormat, path.string()); !ok)
    return tl::make_unexpected(ok.error());
  return parsed;
}

}  // namespace

Result<RunStore> RunStore::open(const std::filesystem::path& directory) {
  std::error_code problem;
  std::filesystem::create_directories(directory / "runs", problem);
  if (problem)
    return failure((directory / "runs").string(), "cannot make the folder: " + problem.message());
  return RunStore(directory / "runs");
}

Result<RunResult> RunStore::read(const std::string& slug, const std::string& fingerprint) const {
  const std::string where = json_path(slug).string();
  auto object = read_run_json(json_path(slug));
  if (!object) return tl::make_unexpected(object.error());
  if (text_at(*object, "fingerprint") != fingerprint)
    return invalid_input(where, "made from another model, text, setting, policy or table");
  auto result = run_result_from_json((*object)["run"], where);
  if (!result) return result;
  auto losses = read_losses(runs_, *object, result->num_tokens);
  if (!losses) return tl::make_unexpected(losses.error());
  result->token_losses = std::move(*losses);
  return result;
}

std::optional<RunResult> RunStore::load(const std::string& slug,
                                        const std::string& fingerprint) const {
  std::error_code ignored;
  if (!std::filesystem::exists(json_path(slug), ignored)) return std::nullopt;
  auto result = read(slug, fingerprint);
  if (result) return std::move(*result);
  log_info("run again, " + to_string(result.error()));
  return std::nullopt;
}

Result<void> RunStore::save(const std::string& slug, const std::string& fingerprint,
                            const json& record, const RunResult& result) const {
  json object = record;
  object[kFormatVersionKey] = kRunFormat.version;
  object["fingerprint"] = fingerprint;
  if (auto written = write_losses(losses_path(slug), result.token_losses, object); !written)
    return written;
  object["run"] = to_json(result, false);
  return write_file(json_path(slug), dump_json(object, 1) + "\n");
}

}  // namespace bhroute::evaluation
