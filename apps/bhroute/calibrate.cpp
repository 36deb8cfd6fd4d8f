// bhroute calibrate: router logits -> null distributions.

#include "bhroute/evaluation/calibrate.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "bhroute/calibration/calibration_file.h"
#include "bhroute/core/version.h"
#include "calibration_flags.h"
#include "command.h"
#include "dumped_logits.h"
#include "json_output.h"
#include "model_flags.h"
#include "number_flags.h"
#include "output_path.h"
#include "progress.h"
#include "table_output.h"

namespace bhroute::cli {
namespace {

using calibration::CalibrationOptions;
using calibration::CalibrationTable;
using Tables = std::vector<CalibrationTable>;

struct Flags {
  ModelFlags model;
  CalibrationFlags calibration;
  std::vector<std::string> outputs;
  std::string logits;
  std::size_t top_k = 0;
};

Result<void> check_outputs(const Flags& flags, std::size_t num_nulls) {
  if (flags.outputs.size() != num_nulls)
    return invalid_input("--output", "one table a null", fmt::format("{} -o", flags.outputs.size()),
                         fmt::format("{}, in the order of --null", num_nulls));
  std::set<std::string> seen;
  for (const std::string& path : flags.outputs) {
    if (!seen.insert(path).second)
      return invalid_input("--output", "two tables to one file", path, "different files");
    if (auto ok = check_writable(path, "--output"); !ok) return ok;
  }
  return {};
}

Result<void> check_source(const Flags& flags, const std::vector<CalibrationOptions>& options) {
  if (flags.logits.empty()) {
    if (flags.top_k != 0)
      return invalid_input("--top-k", "is for --logits: a model brings its own");
    return {};
  }
  if (!flags.model.model.empty() || !flags.model.text.empty())
    return invalid_input("--logits", "dumped logits need no model and no text",
                         "--logits with -m or -f");
  const bool unselected =
      std::any_of(options.begin(), options.end(), [](const CalibrationOptions& one) {
        return one.null.kind == calibration::NullKind::unselected;
      });
  if (unselected && flags.top_k == 0)
    return invalid_input("--top-k", "missing", "",
                         "the model's own top_k: the null `unselected` depends on it");
  return {};
}

Result<Tables> calibrate_model(const Flags& flags, const std::vector<CalibrationOptions>& options,
                               calibration::TableMetadata metadata, ProgressSink& progress) {
  auto workload = open_workload(flags.model);
  if (!workload) return tl::make_unexpected(workload.error());
  const auto& model = workload->model->description();
  metadata.model_name = model.name;
  metadata.model_sha256 = model.sha256;
  metadata.text_sha256 = workload->text_sha256;
  metadata.num_layers = model.moe_layers.size();
  metadata.num_experts = model.num_experts;
  metadata.top_k = model.top_k;
  return evaluation::calibrate(*workload->model, workload->text, options, metadata, progress);
}

Result<void> run(const Flags& flags, const Context& context) {
  const auto options = calibration_options(flags.calibration);
  if (!options) return tl::make_unexpected(options.error());
  if (auto ok = check_source(flags, *options); !ok) return ok;
  if (auto ok = check_outputs(flags, options->size()); !ok) return ok;
  calibration::TableMetadata metadata;
  metadata.created_by = fmt::format("bhroute {}", version());
  metadata.command = context.command_line;
  metadata.top_k = flags.top_k;
  ConsoleProgress progress(context.console);
  const auto tables = flags.logits.empty() ? calibrate_model(flags, *options, metadata, progress)
                                           : calibrate_dumps(flags.logits, flags.top_k, *options,
                                                             metadata, progress);
  if (!tables) return tl::make_unexpected(tables.error());
  nlohmann::json written = nlohmann::json::array();
  for (std::size_t i = 0; i < tables->size(); ++i) {
    if (auto ok = calibration::write_table(flags.outputs[i], (*tables)[i]); !ok) return ok;
    written.push_back(table_json((*tables)[i], flags.outputs[i]));
    if (!context.json) context.console.out(table_summary((*tables)[i], flags.outputs[i]));
  }
  if (context.json)
    context.console.out(json_text({{"tables", written}, {"versions", versions_json()}}));
  return {};
}

}  // namespace

Action declare_calibrate(CLI::App& app, Context& context) {
  auto flags = std::make_shared<Flags>();
  app.add_option("-o,--output", flags->outputs,
                 "The table to write (safetensors); the i-th belongs to the i-th --null")
      ->allow_extra_args(false)
      ->type_name("TABLE")
      ->required();
  add_model_flags(app, flags->model, false);
  app.add_flag("--float-cache", flags->model.float_cache,
               "Keys and values in float32: the same logits as transformers to rounding")
      ->group("Engine (as llama.cpp has them)");
  const char* dumps = "Instead of a model and a text";
  app.add_option("--logits", flags->logits, "Folder of layer_<i>.npy, float32 [tokens, experts]")
      ->type_name("DIR")
      ->group(dumps);
  add_count(app, "--top-k", flags->top_k,
            "The model's own top_k, which the null `unselected` leaves out")
      ->type_name("K")
      ->group(dumps);
  mark_needed(app, {"--model", "--file"}, "--logits");
  add_calibration_flags(app, flags->calibration);
  return [flags, &context] { return run(*flags, context); };
}

}  // namespace bhroute::cli
