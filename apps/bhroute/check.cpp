// bhroute check: a table's p-values on a fresh text.

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "bhroute/core/file.h"
#include "bhroute/core/file_format.h"
#include "bhroute/evaluation/calibrate.h"
#include "bhroute/evaluation/self_check.h"
#include "command.h"
#include "json_output.h"
#include "model_flags.h"
#include "output_path.h"
#include "progress.h"
#include "table_source.h"

namespace bhroute::cli {
namespace {

struct Flags {
  std::string table, output;
  ModelFlags model;
  bool force = false;
};

std::string readable(const evaluation::SelfCheck& check) {
  std::string text = fmt::format("{:>5} {:>8} {:<14} {:>10} {:>10} {:>10} {:>9} {:>11} {:>9}\n",
                                 "layer", "KS of p", "H0", "H0 p<=.05", "selected", "N*alpha",
                                 "drift KS", "mean shift", "sd ratio");
  const double bound = 0.05 * static_cast<double>(check.fresh.num_experts);
  for (const auto& [index, layer] : check.layers) {
    text += fmt::format("{:>5} {:>8.4f} {:<14} ", index, layer.ks, to_string(layer.verdict));
    for (const auto& rate : layer.rates)
      if (rate.alpha == 0.05)
        text += fmt::format("{:>10.4f} {:>10.3f} {:>10.2f} ", rate.h0_share, rate.mean_rejections,
                            bound);
    text += std::isnan(layer.drift.ks)
                ? "no sampled rows in the table\n"
                : fmt::format("{:>9.4f} {:>+11.3f} {:>9.3f}\n", layer.drift.ks,
                              layer.drift.mean_shift, layer.drift.sd_ratio);
  }
  for (const std::string& sentence : in_words(check)) text += "\n" + sentence;
  return text + "\n";
}

Result<evaluation::SelfCheck> check_on(const Flags& flags, const Context& context) {
  const auto table = open_table(flags.table);
  if (!table) return tl::make_unexpected(table.error());
  auto work = open_workload(flags.model);
  if (!work) return tl::make_unexpected(work.error());
  if (auto ok = check_made_for({flags.table, *table}, work->model->description(), flags.force); !ok)
    return tl::make_unexpected(ok.error());
  calibration::TableMetadata metadata;
  metadata.text_sha256 = work->text_sha256;
  metadata.command = context.command_line;
  ConsoleProgress progress(context.console);
  const auto fresh = evaluation::calibrate(*work->model, work->text,
                                           {evaluation::fresh_options((*table)->metadata)},
                                           metadata, progress, "check");
  if (!fresh) return tl::make_unexpected(fresh.error());
  if (metadata.text_sha256 == (*table)->metadata.text_sha256)
    context.console.warning("this is the text the table was made from: nothing here is fresh");
  return evaluation::self_check(**table, fresh->front());
}

Result<void> run(const Flags& flags, const Context& context) {
  if (!flags.output.empty())
    if (auto ok = check_writable(flags.output, "--output"); !ok) return ok;
  const auto check = check_on(flags, context);
  if (!check) return tl::make_unexpected(check.error());
  nlohmann::json object = to_json(*check);
  object[kFormatVersionKey] = kCheckFormat.version;
  object["table"] = flags.table;
  object["text"] = flags.model.text;
  object["command"] = context.command_line;
  object["versions"] = versions_json();
  if (!flags.output.empty())
    if (auto ok = write_file(flags.output, json_text(object)); !ok) return ok;
  context.console.out(context.json ? json_text(object) : readable(*check));
  return {};
}

}  // namespace

Action declare_check(CLI::App& app, Context& context) {
  auto flags = std::make_shared<Flags>();
  app.add_option("table", flags->table, "A table, or a folder of the original system's pickles")
      ->type_name("TABLE")
      ->required();
  add_model_flags(app, flags->model);
  app.add_flag("--force", flags->force, "Check a table that was made from another model")
      ->group("Model and text");
  app.add_option("-o,--output", flags->output, "Also write the check as JSON, for the report")
      ->type_name("JSON");
  return [flags, &context] { return run(*flags, context); };
}

}  // namespace bhroute::cli
