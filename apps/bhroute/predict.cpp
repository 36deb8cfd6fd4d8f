// bhroute predict: what a policy will do, from a table's sampled rows.

#include "bhroute/evaluation/predict.h"

#include <nlohmann/json.hpp>
#include <optional>

#include "command.h"
#include "json_output.h"
#include "model_flags.h"
#include "prediction_output.h"
#include "progress.h"
#include "table_source.h"

namespace bhroute::cli {
namespace {

struct Flags {
  std::vector<std::string> tables;
  std::string policy, configurations;
  ModelFlags model;
  bool force = false;
};

Result<void> check(const Flags& flags) {
  if (flags.policy.empty() == flags.configurations.empty())
    return invalid_input("predict", "needs one of --policy and --configurations",
                         flags.policy.empty() ? "neither" : "both", "one");
  const bool measure = !flags.model.model.empty() || !flags.model.text.empty();
  if (measure && flags.policy.empty())
    return invalid_input("--model", "measures one policy, given by --policy");
  return {};
}

Result<evaluation::TablesByNull> open_tables(const std::vector<std::string>& paths) {
  evaluation::TablesByNull tables;
  for (const std::string& path : paths) {
    auto table = open_table(path);
    if (!table) return tl::make_unexpected(table.error());
    const std::string null = to_string((*table)->metadata.null);
    if (!tables.emplace(null, std::pair(path, *table)).second)
      return invalid_input(path, "a second table of the null " + null);
  }
  return tables;
}

// The policy on the model, to set beside the prediction.
Result<evaluation::RunResult> measure(const Flags& flags, const routing::PolicySpec& spec,
                                      const SourcedTable& table, Console& console) {
  auto work = open_workload(flags.model);
  if (!work) return tl::make_unexpected(work.error());
  if (auto ok = check_made_for(table, work->model->description(), flags.force); !ok)
    return tl::make_unexpected(ok.error());
  const auto policy = routing::make_policy(spec, work->model->description().facts(), table.table);
  if (!policy) return tl::make_unexpected(policy.error());
  if (auto ok = work->model->set_expert_slots(spec.largest_k()); !ok)
    return tl::make_unexpected(ok.error());
  ConsoleProgress progress(console);
  return evaluation::evaluate(*work->model, work->text, policy->get(), nullptr,
                              {.num_threads = num_threads(flags.model)}, progress);
}

Result<void> predict_one(const Flags& flags, const Context& context) {
  const auto spec = routing::parse_policy(flags.policy);
  if (!spec) return tl::make_unexpected(spec.error());
  if (flags.tables.size() != 1)
    return invalid_input("predict", "one policy is predicted from one table",
                         std::to_string(flags.tables.size()) + " tables", "1");
  const auto table = open_table(flags.tables.front());
  if (!table) return tl::make_unexpected(table.error());
  warn_of_other_table(*spec, flags.tables.front());
  const auto policy = routing::make_policy(*spec, evaluation::facts_of((*table)->metadata), *table);
  if (!policy) return tl::make_unexpected(policy.error());
  auto prediction = evaluation::predict((*table)->samples, **policy);
  if (!prediction) {
    prediction.error().where = flags.tables.front();
    return tl::make_unexpected(prediction.error());
  }
  const evaluation::PredictedRun run{to_string(*spec), *spec, *std::move(prediction)};
  std::optional<evaluation::RunResult> measured;
  if (!flags.model.model.empty() || !flags.model.text.empty()) {
    auto result = measure(flags, *spec, {flags.tables.front(), *table}, context.console);
    if (!result) return tl::make_unexpected(result.error());
    measured = *std::move(result);
  }
  const auto* beside = measured ? &*measured : nullptr;
  context.console.out(context.json ? json_text(to_json(run, beside)) : readable(run, beside));
  return {};
}

Result<void> predict_many(const Flags& flags, const Context& context) {
  const auto configurations = evaluation::read_configurations(flags.configurations);
  if (!configurations) return tl::make_unexpected(configurations.error());
  const auto tables = open_tables(flags.tables);
  if (!tables) return tl::make_unexpected(tables.error());
  return evaluation::predict_list(*configurations, *tables)
      .map([&](const evaluation::PredictedList& list) {
        context.console.out(context.json ? json_text(to_json(list)) : readable(list));
      });
}

Result<void> run(const Flags& flags, const Context& context) {
  if (auto ok = check(flags); !ok) return ok;
  return flags.policy.empty() ? predict_many(flags, context) : predict_one(flags, context);
}

}  // namespace

Action declare_predict(CLI::App& app, Context& context) {
  auto flags = std::make_shared<Flags>();
  app.add_option("tables", flags->tables,
                 "Tables with sampled rows (calibrate --reservoir), one a null")
      ->type_name("TABLE")
      ->required();
  app.add_option("--policy", flags->policy,
                 "A policy, or a file of one: a line a layer. With -m and -f it is also run,\n"
                 "and what was measured stands beside what was predicted")
      ->type_name("POLICY");
  app.add_option("--configurations", flags->configurations,
                 "A list as the sweep reads it: a line each, and which cannot be told apart")
      ->type_name("JSON");
  add_model_flags(app, flags->model, false);
  app.add_flag("--force", flags->force, "Measure with a table that was made from another model")
      ->group("Model and text");
  return [flags, &context] { return run(*flags, context); };
}

}  // namespace bhroute::cli
