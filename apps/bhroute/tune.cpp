// bhroute tune: the best policy for a mean number of experts.

#include "bhroute/evaluation/tune.h"

#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "bhroute/calibration/calibration_file.h"
#include "bhroute/core/file.h"
#include "bhroute/core/file_format.h"
#include "bhroute/core/sha256.h"
#include "bhroute/routing/policy_file.h"
#include "command.h"
#include "json_output.h"
#include "model_flags.h"
#include "number_flags.h"
#include "output_path.h"
#include "progress.h"
#include "tune_output.h"

namespace bhroute::cli {
namespace {

namespace fs = std::filesystem;

struct Flags {
  ModelFlags model;
  std::string score = "all", output, work;
  std::vector<std::string> rules, weights{"mass", "native"};
  evaluation::TuneOptions options;
};

Result<void> read_words(const Flags& flags, evaluation::TuneOptions& options) {
  for (const std::string& word : flags.rules) {
    const auto rule = routing::parse_rule(word, "--rules");
    if (!rule) return tl::make_unexpected(rule.error());
    options.rules.push_back(*rule);
  }
  options.weights.clear();
  for (const std::string& word : flags.weights) {
    const auto spec = routing::parse_policy("top_k:k=1,weights=" + word);
    if (!spec)
      return invalid_input("--weights", "unknown rule", word, "mass, native, renormalized");
    options.weights.push_back(spec->weights);
  }
  const auto score = evaluation::parse_score(flags.score);
  if (!score) return tl::make_unexpected(score.error());
  options.score = *score;
  return {};
}

std::string beside(const std::string& output, const char* ending) {
  return fs::path(output).replace_extension(ending).string();
}

Result<evaluation::TuneOptions> make_options(const Flags& flags, const Context& context) {
  evaluation::TuneOptions options = flags.options;
  if (auto ok = check_writable(flags.output, "--output"); !ok)
    return tl::make_unexpected(ok.error());
  if (auto ok = read_words(flags, options); !ok) return tl::make_unexpected(ok.error());
  options.work = flags.work.empty() ? beside(flags.output, "work") : flags.work;
  options.num_threads = num_threads(flags.model);
  options.command = context.command_line;
  return options;
}

/// The table beside the policy, named by the policy relative to it and by its hash.
Result<void> write_policy(const evaluation::TunedPolicy& tuned, const std::string& output) {
  routing::PolicySpec spec = tuned.policy;
  if (tuned.table != nullptr) {
    const std::string path = beside(output, "safetensors");
    if (auto ok = calibration::write_table(path, *tuned.table); !ok) return ok;
    const auto digest = sha256_file(path);
    if (!digest) return tl::make_unexpected(digest.error());
    spec.table = fs::path(path).filename().string();
    spec.table_sha256 = *digest;
  }
  return write_file(output, routing::policy_file_text(spec));
}

Result<void> run(const Flags& flags, const Context& context) {
  auto options = make_options(flags, context);
  if (!options) return tl::make_unexpected(options.error());
  const auto lock = claim_folder(options->work.string(), "--work", context.command_line);
  if (!lock) return tl::make_unexpected(lock.error());
  auto work = open_workload(flags.model);
  if (!work) return tl::make_unexpected(work.error());
  options->text_sha256 = work->text_sha256;
  ConsoleProgress progress(context.console);
  const auto result = evaluation::tune(*work->model, work->text, *options, progress);
  if (!result) return tl::make_unexpected(result.error());
  if (auto ok = write_policy(result->ranking.front(), flags.output); !ok) return ok;
  nlohmann::json object = to_json(*result);
  object[kFormatVersionKey] = kRankingFormat.version;
  object["command"] = context.command_line;
  object["model"] = work->model->description().name;
  object["model_sha256"] = work->model->description().sha256;
  object["text"] = flags.model.text;
  object["text_sha256"] = work->text_sha256;
  object["versions"] = versions_json();
  const std::string ranking = beside(flags.output, "ranking.json");
  if (auto ok = write_file(ranking, json_text(object)); !ok) return ok;
  if (result->best_adaptive && *result->best_adaptive != 0) {
    const auto& adaptive = result->ranking[*result->best_adaptive];
    if (auto ok = write_policy(adaptive, beside(flags.output, "adaptive.json")); !ok) return ok;
  }
  context.console.out(context.json ? json_text(object) : readable(*result, flags.output));
  return {};
}

}  // namespace

Action declare_tune(CLI::App& app, Context& context) {
  auto flags = std::make_shared<Flags>();
  auto& options = flags->options;
  add_model_flags(app, flags->model);
  add_score_flag(app, flags->score);
  app.add_option("--budget", options.budget, "Mean number of experts per token and layer")
      ->check(not_negative())
      ->type_name("K")
      ->required();
  app.add_option(
         "-o,--output", flags->output,
         "The policy to write; its table, NAME.safetensors, and the whole ranking,\n"
         "NAME.ranking.json, go beside it (and where a fixed count wins, the best adaptive\n"
         "policy as NAME.adaptive.json)")
      ->type_name("JSON")
      ->required();
  app.add_option("--rules", flags->rules, "Only these, separated by commas (default: all)")
      ->delimiter(',')
      ->type_name("RULES");
  app.add_option("--weights", flags->weights,
                 "Weight rules; the first is screened with, the others are variants")
      ->delimiter(',')
      ->capture_default_str()
      ->type_name("WEIGHTS");
  app.add_option("--work", flags->work,
                 "Folder of finished runs: started again, it continues (default NAME.work)")
      ->type_name("DIR");
  const char* effort = "Effort, in windows of the text";
  const auto add = [&](const char* name, std::size_t& value, const char* help) {
    add_count(app, name, value, help)->capture_default_str()->type_name("N")->group(effort);
  };
  add("--fit", options.fit, "Kept for the fit, from the beginning; all others are held back");
  add("--sensitivity", options.sensitivity, "Of these, to measure each layer on; 0 = not at all");
  add("--screen", options.screen, "Held-back windows that every candidate runs");
  add("--second", options.second, "... that the leaders of the screen run");
  add("--final", options.final, "... that the last three run");
  return [flags, &context] { return run(*flags, context); };
}

}  // namespace bhroute::cli
