#include "sweep_record.h"

#include "bhroute/core/json.h"
#include "bhroute/core/sha256.h"
#include "bhroute/core/version.h"
#include "bhroute/evaluation/compare.h"
#include "bhroute/stats/block_bootstrap.h"

namespace bhroute::evaluation {
namespace {

using nlohmann::json;

json model_to_json(const ModelDescription& model) {
  return {{"path", model.path},
          {"sha256", model.sha256},
          {"name", model.name},
          {"architecture", model.architecture},
          {"moe_layers", model.moe_layers},
          {"num_experts", model.num_experts},
          {"top_k", model.top_k},
          {"normalizes_weights", model.normalizes_weights},
          {"vocab_size", model.vocab_size},
          {"d_model", model.d_model},
          {"expert_d_ff", model.expert_d_ff}};
}

json versions(const ModelRunner& model) {
  return {{"bhroute", version()}, {"engine", model.description().engine}};
}

/// What decides a run's losses: not the threads, which change its speed alone.
json settings(const WindowedText& text, const SweepOptions& options) {
  json object{{"window", text.window},
              {"windows", text.num_windows},
              {"score", to_string(options.evaluate.score)},
              {"probe", options.evaluate.probe}};
  if (options.batch > 0) object["batch"] = options.batch;
  if (options.micro_batch > 0) object["micro_batch"] = options.micro_batch;
  if (options.gpu_layers != 0) object["gpu_layers"] = options.gpu_layers;
  return object;
}

json units() {
  json units = result_units();
  units["window"] = "tokens";
  units["windows"] = "windows";
  units["batch"] = units["micro_batch"] = "tokens";
  units["gpu_layers"] = "layers on the GPU";
  units["threads"] = "threads of the engine";
  return units;
}

}  // namespace

json table_to_json(const TableSource& source) {
  json object{{"path", source.path}, {"sha256", source.sha256}};
  if (source.table == nullptr) return object;
  const calibration::TableMetadata& metadata = source.table->metadata;
  object["null"] = calibration::to_string(metadata.null);
  object["statistic"] = calibration::to_string(metadata.statistic);
  object["pooling"] = calibration::to_string(metadata.pooling);
  object["p_value_form"] = stats::to_string(metadata.form);
  object["smoothing_kernel"] = metadata.smoothing_kernel;
  object["num_tokens"] = metadata.num_tokens;
  object["text_sha256"] = metadata.text_sha256;
  return object;
}

json sweep_record(const ModelRunner& model, const WindowedText& text, const SweepOptions& options) {
  json record = settings(text, options);
  if (options.threads > 0) record["threads"] = options.threads;
  record["model"] = model_to_json(model.description());
  if (!options.model_path.empty()) record["model"]["path"] = options.model_path;
  record["text"] = {{"path", options.text_path},
                    {"sha256", options.text_sha256},
                    {"tokens_sha256", hash_tokens(text)}};
  record["versions"] = versions(model);
  record["seeds"] = {{"block_bootstrap", stats::BootstrapOptions{}.seed}};
  record["command"] = options.command;
  record["units"] = units();
  return record;
}

std::string environment_fingerprint(const ModelRunner& model, const WindowedText& text,
                                    const SweepOptions& options) {
  const json identity{{"model", model.description().sha256},
                      {"text", options.text_sha256},
                      {"tokens", hash_tokens(text)},
                      {"settings", settings(text, options)},
                      {"windows_per_batch", model.windows_per_batch()},
                      {"versions", versions(model)}};
  return sha256(dump_json(identity));
}

std::string job_fingerprint(const std::string& environment, const Job& job,
                            std::span<const Task> tasks) {
  json identity{{"environment", environment},
                {"policy", routing::to_json(job.configuration->policy)},
                {"own_routing", job.own_routing},
                {"table", job.table.sha256}};
  if (job.configuration->tasks)
    for (const Task& task : tasks) identity["tasks"].push_back({to_string(task.form), task.sha256});
  return sha256(dump_json(identity));
}

}  // namespace bhroute::evaluation
