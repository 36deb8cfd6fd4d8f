// bhroute sweep: many policies on one text.

#include "bhroute/evaluation/sweep.h"

#include <fmt/format.h>

#include <algorithm>

#include "bhroute/calibration/kde_pickles.h"
#include "bhroute/core/log.h"
#include "command.h"
#include "engine.h"
#include "json_output.h"
#include "model_flags.h"
#include "output_path.h"
#include "prediction_output.h"
#include "progress.h"
#include "sweep_output.h"
#include "table_source.h"

namespace bhroute::cli {
namespace {

using evaluation::Configuration;
using Configurations = std::vector<Configuration>;

struct Flags {
  ModelFlags model;
  std::string score = "second_half", table, table_unselected, configurations, output;
  std::vector<std::string> also, tasks;
  bool force = false, print_configurations = false;
};

Result<Configurations> read_first_list(const Flags& flags, std::size_t top_k) {
  if (flags.configurations.empty()) return evaluation::default_configurations(top_k);
  return evaluation::read_configurations(flags.configurations);
}

Result<Configurations> read_list(const Flags& flags, std::size_t top_k) {
  auto list = read_first_list(flags, top_k);
  for (const std::string& path : flags.also) {
    if (!list) return list;
    auto more = evaluation::read_configurations(path);
    if (!more) return more;
    list->insert(list->end(), more->begin(), more->end());
    if (auto ok = evaluation::check_configurations(*list, path); !ok)
      return tl::make_unexpected(ok.error());
  }
  return list;
}

// The report calls the baseline the model's own routing.
Result<void> check_baseline(const Configurations& list, std::size_t top_k) {
  const auto found = std::ranges::find(list, "baseline", &Configuration::role);
  routing::PolicySpec own;
  own.rule = routing::Rule::top_k;
  own.k = top_k;
  if (found == list.end() || found->policy == own) return {};
  return invalid_input(fmt::format("configuration '{}'", found->name),
                       "the baseline is not the model's own routing", to_string(found->policy),
                       to_string(own));
}

// The default list depends on the model's own top_k; without a model the usual 8.
Result<void> print_list(const Flags& flags, Console& console) {
  std::size_t top_k = 8;
  if (!flags.model.model.empty()) {
    const auto model = open_engine({.model_path = flags.model.model});
    if (!model) return tl::make_unexpected(model.error());
    top_k = (*model)->description().top_k;
  }
  return read_list(flags, top_k).map([&](const Configurations& list) {
    console.out(evaluation::configurations_to_json(list));
  });
}

bool needs_table(const Configurations& list, const std::string& null) {
  return std::any_of(list.begin(), list.end(), [&](const Configuration& one) {
    return routing::uses_p_values(one.policy.rule) && one.policy.table.empty() && one.null == null;
  });
}

Result<void> add_table(const std::string& path, const char* flag, const std::string& wanted_null,
                       const std::vector<int>& layers, evaluation::SweepOptions& options) {
  if (path.empty()) return {};
  const auto table = open_table(path, layers);
  if (!table) return tl::make_unexpected(table.error());
  const std::string null = to_string((*table)->metadata.null);
  if (!wanted_null.empty() && null != wanted_null)
    return invalid_input(flag, "a table of another null (" + path + ")", null, wanted_null);
  if (!options.tables.emplace(null, std::pair(path, *table)).second)
    return invalid_input(flag, "a second table of the null " + null, path,
                         options.tables[null].first + " alone");
  return {};
}

// The grid runs by --table, and its results say that table's null, whichever it is.
void relabel_grid(const std::string& table, const evaluation::SweepOptions& options,
                  Configurations& list) {
  const auto given = std::find_if(options.tables.begin(), options.tables.end(),
                                  [&](const auto& entry) { return entry.second.first == table; });
  if (given == options.tables.end() || given->first == "all") return;
  log_info("the grid runs with the null `" + given->first + "`, the table's");
  for (Configuration& one : list)
    if (one.null == "all") one.null = given->first;
}

// Without --table: the original system's pickles where they lie, else the empirical fallback.
Result<void> add_found_table(const std::vector<int>& layers, evaluation::SweepOptions& options) {
  const auto folder = calibration::find_kde_folder();
  auto table = calibration::find_kde_table(layers);
  if (!table) return tl::make_unexpected(table.error());
  options.tables["all"] = {folder ? folder->string() : "", std::move(*table)};
  return {};
}

Result<void> add_tables(const Flags& flags, const Configurations& list,
                        const std::vector<int>& layers, evaluation::SweepOptions& options) {
  auto ok = flags.table.empty() && needs_table(list, "all")
                ? add_found_table(layers, options)
                : add_table(flags.table, "--table", "", layers, options);
  if (ok)
    ok = add_table(flags.table_unselected, "--table-unselected", "unselected", layers, options);
  if (ok && !options.tables.contains("unselected") && needs_table(list, "unselected"))
    log_info("no --table-unselected: the configurations with the null `unselected` are left out");
  return ok;
}

// Tables that policies of the list name themselves, each once. Only to be checked: the sweep opens
// them itself, from the cache.
Result<std::vector<SourcedTable>> own_tables(const Configurations& list,
                                             const std::vector<int>& layers) {
  std::map<std::string, TablePtr> opened;
  for (const Configuration& one : list) {
    const std::string& path = one.policy.table;
    if (path.empty() || opened.contains(path)) continue;
    auto table = open_table(path, layers);
    if (!table) return tl::make_unexpected(table.error());
    opened.emplace(path, std::move(*table));
  }
  std::vector<SourcedTable> tables;
  for (auto& [path, table] : opened) tables.push_back({path, std::move(table)});
  return tables;
}

Result<void> check_tables(const evaluation::SweepOptions& options,
                          const std::vector<SourcedTable>& own,
                          const evaluation::ModelDescription& model, bool force) {
  std::vector<SourcedTable> all = own;
  for (const auto& [null, source] : options.tables) all.push_back({source.first, source.second});
  for (const SourcedTable& table : all)
    if (auto ok = check_made_for(table, model, force); !ok) return ok;
  return {};
}

// What the sampled rows of the tables foretell, before anything is run.
Result<void> print_prediction(const Configurations& list, const evaluation::SweepOptions& options,
                              Console& console) {
  return evaluation::predict_list(list, options.tables)
      .map([&](const evaluation::PredictedList& predicted) {
        if (predicted.runs.empty())
          log_info("no prediction: no table with sampled rows (calibrate --reservoir)");
        else
          console.out(readable(predicted) + "\n");
      });
}

Result<evaluation::SweepOptions> make_options(const Flags& flags, const Context& context) {
  const auto evaluate = evaluate_options(flags.model, flags.score);
  if (!evaluate) return tl::make_unexpected(evaluate.error());
  evaluation::SweepOptions options;
  options.directory = flags.output;
  options.evaluate = *evaluate;
  options.command = context.command_line;
  options.threads = num_threads(flags.model);
  options.batch = flags.model.batch;
  options.micro_batch = flags.model.micro_batch;
  options.gpu_layers = flags.model.gpu_layers;
  options.model_path = flags.model.model;
  options.text_path = flags.model.text;
  if (context.json) return options;
  options.on_finished = [&console = context.console, first = true](const evaluation::RunResult& run,
                                                                   bool reused) mutable {
    if (std::exchange(first, false)) console.out(sweep_header());
    console.out(sweep_row(run, reused));
    console.flush_out();
  };
  return options;
}

Result<void> sweep(const Flags& flags, evaluation::SweepOptions options, const Context& context) {
  // The list and the tables are checked before the model is opened, with the usual top_k; the names
  // do not depend on it.
  auto list = read_list(flags, 8);
  if (!list) return tl::make_unexpected(list.error());
  const std::vector<int> layers = known_layers(flags.model);
  if (auto ok = add_tables(flags, *list, layers, options); !ok) return ok;
  const auto own = own_tables(*list, layers);
  if (!own) return tl::make_unexpected(own.error());
  auto tasks = read_tasks(flags.tasks);
  if (!tasks) return tl::make_unexpected(tasks.error());
  options.tasks = std::move(*tasks);
  auto work = open_workload(flags.model);
  if (!work) return tl::make_unexpected(work.error());
  const auto& model = work->model->description();
  if (auto ok = check_tables(options, *own, model, flags.force); !ok) return ok;
  options.text_sha256 = work->text_sha256;
  list = read_list(flags, model.top_k);
  if (!list) return tl::make_unexpected(list.error());
  if (auto ok = check_baseline(*list, model.top_k); !ok) return ok;
  relabel_grid(flags.table, options, *list);
  if (!context.json)
    if (auto ok = print_prediction(*list, options, context.console); !ok) return ok;
  ConsoleProgress progress(context.console);
  const auto outcome = evaluation::run_sweep(*work->model, work->text, *list, options, progress);
  if (!outcome) return tl::make_unexpected(outcome.error());
  context.console.out(context.json ? json_text(sweep_json(*outcome, flags.output))
                                   : sweep_summary(*outcome, flags.output));
  return {};
}

Result<void> run(const Flags& flags, const Context& context) {
  if (flags.print_configurations) return print_list(flags, context.console);
  if (flags.output.empty())
    return invalid_input("--output", "missing", "", "a folder for the results (-o DIR)");
  const auto lock = claim_folder(flags.output, "--output", context.command_line);
  if (!lock) return tl::make_unexpected(lock.error());
  auto options = make_options(flags, context);
  if (!options) return tl::make_unexpected(options.error());
  return sweep(flags, std::move(*options), context);
}

}  // namespace

Action declare_sweep(CLI::App& app, Context& context) {
  auto flags = std::make_shared<Flags>();
  app.add_option("-o,--output", flags->output,
                 "Folder of the results; finished configurations in it are reused")
      ->type_name("DIR");
  add_model_flags(app, flags->model, false);
  add_score_flag(app, flags->score);
  add_task_flag(app, flags->tasks);
  const char* policies = "Policies";
  app.add_option(
         "--table", flags->table,
         "Calibration table, usually of the null `all`, or a folder of the original's pickles.\n"
         "Without it such a folder is searched for; where there is none, bh falls back to ranks\n"
         "among the tokens of one micro-batch")
      ->type_name("TABLE")
      ->group(policies);
  app.add_option("--table-unselected", flags->table_unselected,
                 "Calibration table of the null `unselected`")
      ->type_name("TABLE")
      ->group(policies);
  app.add_flag("--force", flags->force, "Use tables that were made from another model")
      ->group(policies);
  app.add_option("--configurations", flags->configurations,
                 "A list of your own instead of the default one")
      ->type_name("JSON")
      ->group(policies);
  app.add_option("--also", flags->also,
                 "A further list, added to the first; may be given several times")
      ->type_name("JSON")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->group(policies);
  app.add_flag("--print-configurations", flags->print_configurations,
               "Print the list as JSON and stop")
      ->group(policies);
  mark_needed(app, {"--output", "--model", "--file"}, "--print-configurations");
  return [flags, &context] { return run(*flags, context); };
}

}  // namespace bhroute::cli
