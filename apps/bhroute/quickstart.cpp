// bhroute quickstart: calibrate, predict, tune, evaluate, report, and how to serve the model.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>

#include "bhroute/calibration/calibration_file.h"
#include "bhroute/core/file.h"
#include "bhroute/core/file_limits.h"
#include "bhroute/core/log.h"
#include "bhroute/core/sha256.h"
#include "bhroute/evaluation/predict.h"
#include "command.h"
#include "engine.h"
#include "output_path.h"
#include "prediction_output.h"
#include "program_file.h"
#include "progress.h"
#include "quickstart_finished.h"
#include "quickstart_output.h"
#include "shell_words.h"

namespace bhroute::cli {
namespace {

namespace fs = std::filesystem;

struct Flags {
  ModelFlags model;
  std::optional<double> budget;  ///< else usual_budget
  std::string output = "bhroute-quickstart", effort = "usual";
  const CLI::Option* threads = nullptr;
  bool dry_run = false;
};

/// To the user, and beside the results of the steps.
void say(const std::string& line, Console& console) {
  console.info(line);
  console.out(line + "\n");
}

/// A step's subcommand, shown before it runs.
Result<void> step(int number, const Words& words, Console& console) {
  say(fmt::format("\nstep {} of {}: bhroute {}", number, kNumSteps, shell_line(words)), console);
  return run_subcommand(words, console);
}

Result<void> write_if_other(const std::string& path, const std::string& content) {
  const auto there = read_file(path, kMaxJsonBytes);
  return there && *there == content ? Result<void>{} : write_file(path, content);
}

/// Whether the table is there, of this model and text and as many windows. A table that cannot be
/// read is made anew.
bool is_calibrated(const QuickstartProbe& probe, const ModelFlags& flags,
                   const QuickstartPaths& paths) {
  std::error_code ignored;
  if (!fs::exists(paths.table(), ignored)) return false;
  const auto table = calibration::read_table(paths.table());
  return table && table->metadata.model_sha256 == probe.model.sha256 &&
         table->metadata.text_sha256 == sha256(probe.text.learning) &&
         table->metadata.num_tokens <= probe.plan().learning() * flags.window;
}

Result<void> say_there(int number, const std::string& made, Console& console) {
  say(fmt::format("\nstep {} of {}: {} is there already", number, kNumSteps, made), console);
  return {};
}

Result<void> calibrate(const QuickstartProbe& probe, const ModelFlags& flags,
                       const QuickstartPaths& paths, Console& console, bool is_there) {
  if (is_there) return say_there(1, paths.table(), console);
  return step(1, calibrate_words(flags, probe.plan(), paths), console);
}

/// Tunes, unless that is finished. An adaptive policy is made now and then: none of before stays.
Result<void> tune(const QuickstartProbe& probe, double budget, const ModelFlags& flags,
                  const QuickstartPaths& paths, FinishedSteps& finished, Console& console) {
  const std::string inputs = tune_inputs(flags, probe, budget);
  if (finished.has("tune", inputs)) return say_there(3, paths.policy(), console);
  std::error_code ignored;
  fs::remove(paths.adaptive(), ignored);
  fs::remove(fs::path(paths.adaptive()).replace_extension("safetensors"), ignored);
  auto done = step(3, tune_words(flags, probe.plan(), budget, paths), console);
  return done ? finished.add("tune", inputs) : done;
}

Result<void> sweep(const QuickstartProbe& probe, const ModelFlags& flags,
                   const QuickstartPaths& paths, FinishedSteps& finished, Console& console) {
  const std::string inputs = sweep_inputs(flags, probe, paths);
  if (finished.has("sweep", inputs)) return say_there(4, paths.results(), console);
  auto done = step(4, sweep_words(flags, probe.plan(), paths), console);
  return done ? finished.add("sweep", inputs) : done;
}

/// Whether nothing is left but what takes a moment.
bool is_finished(const QuickstartProbe& probe, double budget, const ModelFlags& flags,
                 const QuickstartPaths& paths) {
  const FinishedSteps finished(paths);
  return finished.has("tune", tune_inputs(flags, probe, budget)) &&
         finished.has("sweep", sweep_inputs(flags, probe, paths)) &&
         is_calibrated(probe, flags, paths);
}

std::vector<evaluation::Configuration> levels_of_bh(const evaluation::ModelDescription& model) {
  std::vector<evaluation::Configuration> list;
  for (const double alpha : {0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5}) {
    routing::PolicySpec policy;
    policy.alpha = alpha;
    policy.max_k = std::min(2 * model.top_k, model.num_experts);
    list.push_back(
        {to_string(policy), "reference", "unselected", "unselected", policy, false, false});
  }
  return list;
}

/// Benjamini-Hochberg at several levels, foretold from the table's sampled rows; returns the level
/// whose mean is nearest to the budget.
Result<std::string> predict(const QuickstartProbe& probe, double budget,
                            const QuickstartPaths& paths, Console& console) {
  say(fmt::format("\nstep 2 of {}: what bh would select, foretold from {}", kNumSteps,
                  paths.table()),
      console);
  const auto table = calibration::load_table(paths.table());
  if (!table) return tl::make_unexpected(table.error());
  const auto found = evaluation::predict_list(levels_of_bh(probe.model),
                                              {{"unselected", {paths.table(), *table}}});
  if (!found) return tl::make_unexpected(found.error());
  console.out(readable(*found) + "\n");
  const auto nearest = std::ranges::min_element(found->runs, {}, [&](const auto& run) {
    return std::abs(run.prediction.mean_experts - budget);
  });
  return nearest == found->runs.end() ? "" : nearest->name;
}

Result<void> work(const ModelFlags& flags, const QuickstartProbe& probe, double budget,
                  const QuickstartPaths& paths, Console& console, bool continues) {
  FinishedSteps finished(paths);
  if (auto ok = write_if_other(paths.learning(), probe.text.learning); !ok) return ok;
  if (auto ok = write_if_other(paths.evaluation(), probe.text.evaluation); !ok) return ok;
  if (auto ok = calibrate(probe, flags, paths, console, continues); !ok) return ok;
  const auto bh = predict(probe, budget, paths, console);
  if (!bh) return tl::make_unexpected(bh.error());
  if (auto ok = tune(probe, budget, flags, paths, finished, console); !ok) return ok;
  const auto list = configurations_text(probe.model, budget, *bh, paths);
  if (!list) return tl::make_unexpected(list.error());
  if (auto ok = write_if_other(paths.configurations(), *list); !ok) return ok;
  if (auto ok = sweep(probe, flags, paths, finished, console); !ok) return ok;
  return step(5, report_words(paths), console);
}

Result<void> check_files(const ModelFlags& flags) {
  std::error_code ignored;
  if (fs::exists(flags.text, ignored)) return {};
  if (!fs::exists(flags.model, ignored))
    return invalid_input("quickstart", "no such files", flags.model + " and " + flags.text,
                         "a GGUF file (-m MODEL.gguf) and a text (-f TEXT)");
  return invalid_input(flags.text, "no such text", "", "a file (-f TEXT)");
}

bool is_one_of_ours(const std::string& name) {
  for (const char* ours : {"learning.txt", "evaluation.txt", "evaluation", "table.safetensors",
                           "configurations.json", "steps.txt", "finished.json", "report.html"})
    if (name == ours) return true;
  return name.starts_with("policy.");
}

/// Neither the text and the model that are read are replaced, nor files that something else made.
Result<void> check_spared(const ModelFlags& flags, const QuickstartPaths& paths) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(paths.folder, ignored)) {
    const fs::path& file = entry.path();
    if (!is_one_of_ours(file.filename().string())) continue;
    if (fs::equivalent(file, flags.text, ignored) || fs::equivalent(file, flags.model, ignored))
      return invalid_input("--output", "would replace what quickstart reads", file.string(),
                           "another folder");
    if (!FinishedSteps(paths).is_there())
      return invalid_input("--output", "holds a file that quickstart did not make", file.string(),
                           "a new folder, or one of an earlier quickstart");
  }
  return {};
}

/// Needs the model's header alone: what cannot be is refused before anything is loaded.
Result<double> budget_of(const Flags& flags) {
  const auto model = read_model_header(flags.model.model);
  if (!model) return tl::make_unexpected(model.error());
  if (model->context_length > 0 && flags.model.window > model->context_length)
    return invalid_input("--window", "longer than the model's context",
                         std::to_string(flags.model.window),
                         fmt::format("at most {}", model->context_length));
  const double budget = flags.budget.value_or(usual_budget(model->top_k));
  if (budget >= 1.0 && budget < static_cast<double>(model->num_experts)) return budget;
  return invalid_input("--budget", "out of range", fmt::format("{}", budget),
                       fmt::format("1 to less than {}, the model's experts", model->num_experts));
}

Result<void> make_folder(const std::string& folder) {
  std::error_code problem;
  fs::create_directories(folder, problem);
  if (!problem) return {};
  return invalid_input("--output", "cannot make the folder (" + problem.message() + ")", folder);
}

/// All steps; what they print is long, and goes into a file for who wants it, as it comes: it is
/// there whatever ends the work, and where the work continues it is added to.
Result<void> work_aside(const ModelFlags& flags, const QuickstartProbe& probe, double budget,
                        const QuickstartPaths& paths, Console& console) {
  const bool continues = is_calibrated(probe, flags, paths);
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(
      std::fopen(paths.steps().c_str(), continues ? "a" : "w"), std::fclose);
  if (!file)
    return failure(paths.steps(),
                   std::string("cannot be written to (") + std::strerror(errno) + ")");
  console.aside = file.get();
  auto done = work(flags, probe, budget, paths, console, continues);
  console.aside = nullptr;
  if (done && std::ferror(file.get()) != 0)
    return failure(paths.steps(), "could not be written whole");
  return done;
}

/// Threads that are named are kept: 0, every core, is a choice too.
ModelFlags as_asked(const Flags& flags) {
  ModelFlags model = flags.model;
  if (flags.threads->count() > 0 && model.threads == 0)
    model.threads = static_cast<int>(num_threads(model));
  return model;
}

/// With the threads that the probe found to be faster.
ModelFlags as_probed(ModelFlags flags, const QuickstartProbe& probe) {
  flags.threads = probe.speed.threads;
  return flags;
}

Result<void> run(const Flags& flags, Context& context) {
  Console& console = context.console;
  const auto plan = plan_of_effort(flags.effort);
  if (!plan) return tl::make_unexpected(plan.error());
  if (auto ok = check_model_flags(flags.model); !ok) return ok;
  if (auto ok = check_folder(flags.output, "--output"); !ok) return ok;
  if (auto ok = check_files(flags.model); !ok) return ok;
  const QuickstartPaths paths{flags.output};
  if (auto ok = check_spared(flags.model, paths); !ok) return ok;
  const auto budget = budget_of(flags);
  if (!budget) return tl::make_unexpected(budget.error());
  const auto text = read_beginning(flags.model, *plan);
  if (!text) return tl::make_unexpected(text.error());
  const auto start = std::chrono::steady_clock::now();
  const auto found = probe(as_asked(flags), *plan, *text, [&](const QuickstartProbe& so_far) {
    return !flags.dry_run && is_finished(so_far, *budget, flags.model, paths);
  });
  if (!found) return tl::make_unexpected(found.error());
  const ModelFlags model = as_probed(flags.model, *found);
  const double estimate = estimated_seconds(*found, *budget, kMostRuns);
  console.info(plan_text(*found, *budget, estimate, describe(found->model)));
  if (flags.dry_run) {
    const auto commands = command_lines(model, *found, *budget, paths);
    console.out(context.json ? plan_json(*found, *budget, estimate, commands)
                             : fmt::format("{}\n", fmt::join(commands, "\n")));
    return {};
  }
  if (auto ok = make_folder(flags.output); !ok) return ok;
  const auto lock = lock_folder(flags.output, context.command_line);
  if (!lock) return tl::make_unexpected(lock.error());
  const auto differing = FinishedSteps(paths).begin(*found, *budget);
  if (!differing) return tl::make_unexpected(differing.error());
  if (!differing->empty())
    log_warning(fmt::format("{}: was made from another {}; what depends on it is made anew",
                            flags.output, fmt::join(*differing, " and another ")));
  if (auto ok = work_aside(model, *found, *budget, paths, console); !ok) return ok;
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
  const auto outcome =
      read_outcome(paths, {*budget, estimate, taken.count(), serve_words(model, paths),
                           find_program(kServer).has_value()});
  if (!outcome) return tl::make_unexpected(outcome.error());
  console.out(context.json ? outcome_json(*outcome, paths) : readable(*outcome, paths));
  return {};
}

}  // namespace

Action declare_quickstart(CLI::App& app, Context& context) {
  auto flags = std::make_shared<Flags>();
  app.add_option(
         "--budget", flags->budget,
         "Mean number of experts per token and layer (default: 3/4 of the model's own top_k)")
      ->type_name("K");
  app.add_option("-o,--output", flags->output,
                 "Folder of all that is made; run again, it continues there")
      ->capture_default_str()
      ->type_name("DIR");
  app.add_option("--effort", flags->effort, "How much text is run: quick, usual or thorough")
      ->capture_default_str()
      ->type_name("EFFORT");
  app.add_flag(
      "--dry-run", flags->dry_run,
      "Only the estimate and the commands that it would run; the list of the sweep's runs, which\n"
      "they name, and the folder are made by the run itself");
  add_model_flags(app, flags->model);
  flags->threads = app.get_option("--threads")
                       ->default_str("")
                       ->description(
                           "Default: every core, or fewer where other programs hold some "
                           "and fewer are\nfaster; 0 = every core");
  return [flags, &context] { return run(*flags, context); };
}

}  // namespace bhroute::cli
