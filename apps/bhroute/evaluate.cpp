// bhroute evaluate: one policy on one text.

#include "bhroute/evaluation/evaluate.h"

#include <fmt/format.h>

#include <filesystem>

#include "bhroute/core/file.h"
#include "bhroute/core/npy.h"
#include "bhroute/core/sha256.h"
#include "bhroute/evaluation/compare.h"
#include "bhroute/evaluation/run_losses.h"
#include "bhroute/stats/descriptive.h"
#include "command.h"
#include "evaluation_output.h"
#include "json_output.h"
#include "model_flags.h"
#include "number_flags.h"
#include "output_path.h"
#include "own_losses.h"
#include "progress.h"
#include "table_source.h"

namespace bhroute::cli {
namespace {

struct Flags {
  ModelFlags model;
  std::string score = "second_half", policy, table, losses, summary, routing_log;
  std::size_t log_every = 64;
  std::vector<std::string> tasks;
  bool no_kl = false, force = false;
};

/// What the flags name, opened and checked against one another.
struct Prepared {
  Workload work;
  SourcedTable table;
  std::unique_ptr<routing::Policy> policy;
  evaluation::EvaluateOptions options;
  std::vector<evaluation::Task> tasks;
};

Result<Prepared> open_all(const Flags& flags, const routing::PolicySpec& spec,
                          const evaluation::EvaluateOptions& options) {
  // A table that is named is opened before the model: it costs less to find wrong.
  const bool named = !flags.table.empty() || !spec.table.empty();
  auto table = named ? open_table_of(spec, flags.table, known_layers(flags.model)) : SourcedTable{};
  if (!table) return tl::make_unexpected(table.error());
  auto work = open_workload(flags.model);
  if (!work) return tl::make_unexpected(work.error());
  const auto& model = work->model->description();
  if (auto ok = routing::validate(spec, model.num_experts); !ok)
    return tl::make_unexpected(ok.error());
  if (!named) table = open_table_of(spec, "", model.moe_layers);
  if (!table) return tl::make_unexpected(table.error());
  if (auto ok = check_made_for(*table, model, flags.force); !ok)
    return tl::make_unexpected(ok.error());
  auto policy = routing::make_policy(spec, model.facts(), table->table);
  if (!policy) return tl::make_unexpected(policy.error());
  return Prepared{std::move(*work), std::move(*table), std::move(*policy), options, {}};
}

Result<Prepared> prepare(const Flags& flags) {
  const auto spec = routing::parse_policy(flags.policy);
  if (!spec) return tl::make_unexpected(spec.error());
  const auto options = evaluate_options(flags.model, flags.score);
  if (!options) return tl::make_unexpected(options.error());
  if (!flags.losses.empty())
    if (auto ok = check_writable(flags.losses, "--losses"); !ok)
      return tl::make_unexpected(ok.error());
  if (!flags.summary.empty())
    if (auto ok = check_writable(flags.summary, "--summary"); !ok)
      return tl::make_unexpected(ok.error());
  auto tasks = read_tasks(flags.tasks);
  if (!tasks) return tl::make_unexpected(tasks.error());
  auto prepared = open_all(flags, *spec, *options);
  if (prepared) prepared->tasks = std::move(*tasks);
  return prepared;
}

Result<std::unique_ptr<evaluation::RoutingLog>> open_log(const Flags& flags,
                                                         const std::string& text_sha256) {
  if (flags.routing_log.empty()) return nullptr;
  if (auto ok = check_writable(flags.routing_log, "--routing-log"); !ok)
    return tl::make_unexpected(ok.error());
  return evaluation::RoutingLog::open(flags.routing_log, flags.log_every, flags.model.window,
                                      text_sha256.substr(0, 12));
}

/// The JSON that --json prints, with the losses beside it: what `bhroute compare` reads.
Result<void> write_summary(const std::filesystem::path& path, const Evaluation& found) {
  nlohmann::json object = to_json(found);
  auto losses = path;
  losses.replace_extension(".losses.f32");
  if (auto ok = evaluation::write_losses(losses, found.run.token_losses, object); !ok) return ok;
  return write_file(path, json_text(object));
}

/// The own routing's logits in a folder that is gone as soon as they are mapped: an interrupt
/// leaves nothing behind.
Result<std::unique_ptr<evaluation::OwnLogits>> record_own(Prepared& prepared,
                                                          ProgressSink& progress) {
  auto folder = TemporaryFolder::create();
  if (!folder) return tl::make_unexpected(folder.error());
  const auto file = std::filesystem::path(folder->path()) / "own_logits";
  return evaluation::record_own_logits(*prepared.work.model, prepared.work.text,
                                       prepared.options.score, file, "", progress);
}

Result<Evaluation> evaluate_all(Prepared& prepared, bool with_own, ProgressSink& progress) {
  Workload& work = prepared.work;
  std::unique_ptr<evaluation::OwnLogits> own;
  Evaluation found;
  std::vector<double> losses_of_own;
  if (with_own) {
    auto recorded = record_own(prepared, progress);
    if (!recorded) return tl::make_unexpected(recorded.error());
    own = std::move(*recorded);
    losses_of_own = own_losses(*own, work.text, prepared.options.score);
  }
  if (auto ok = work.model->set_expert_slots(prepared.policy->spec().largest_k()); !ok)
    return tl::make_unexpected(ok.error());
  auto run = evaluation::evaluate(*work.model, work.text, prepared.policy.get(), own.get(),
                                  prepared.options, progress);
  if (!run) return tl::make_unexpected(run.error());
  found.run = std::move(*run);
  for (const evaluation::Task& task : prepared.tasks) {
    auto score = evaluation::evaluate_task(*work.model, task, prepared.policy.get(),
                                           work.text.window, progress);
    if (!score) return tl::make_unexpected(score.error());
    found.run.tasks.push_back(std::move(*score));
  }
  if (!with_own) return found;
  found.own_loss = stats::mean_with_error(losses_of_own).mean;
  evaluation::RunResult baseline;
  baseline.token_losses.assign(losses_of_own.begin(), losses_of_own.end());
  if (auto ok = evaluation::pair_with_baseline(found.run, baseline); !ok)
    return tl::make_unexpected(ok.error());
  return found;
}

void describe_run(Evaluation& found, const Prepared& prepared, const Flags& flags,
                  const Context& context) {
  found.run.name = to_string(prepared.policy->spec());
  found.run.table = prepared.table.path;
  if (prepared.table.table != nullptr) {
    found.run.null = to_string(prepared.table.table->metadata.null);
    if (found.run.table.empty()) found.run.table = "the original system's tables, found by search";
  }
  found.model = prepared.work.model->description();
  found.text_path = flags.model.text;
  found.text_sha256 = prepared.work.text_sha256;
  found.tokens_sha256 = evaluation::hash_tokens(prepared.work.text);
  found.score = flags.score;
  found.command_line = context.command_line;
  found.window = prepared.work.text.window;
  found.num_windows = prepared.work.text.num_windows;
}

Result<void> run(const Flags& flags, const Context& context) {
  auto prepared = prepare(flags);
  if (!prepared) return tl::make_unexpected(prepared.error());
  auto log = open_log(flags, prepared->work.text_sha256);
  if (!log) return tl::make_unexpected(log.error());
  prepared->options.log = log->get();
  ConsoleProgress progress(context.console);
  auto found = evaluate_all(*prepared, !flags.no_kl, progress);
  if (!found) return tl::make_unexpected(found.error());
  describe_run(*found, *prepared, flags, context);
  if (!flags.losses.empty()) {
    const std::size_t shape[] = {found->run.token_losses.size()};
    if (auto ok = write_file(flags.losses, format_npy(found->run.token_losses, shape)); !ok)
      return ok;
  }
  if (*log != nullptr)
    if (auto ok = (*log)->finish(); !ok) return ok;
  if (!flags.summary.empty())
    if (auto ok = write_summary(flags.summary, *found); !ok) return ok;
  context.console.out(context.json ? json_text(to_json(*found)) : readable(*found));
  return {};
}

}  // namespace

Action declare_evaluate(CLI::App& app, Context& context) {
  auto flags = std::make_shared<Flags>();
  add_model_flags(app, flags->model);
  add_score_flag(app, flags->score);
  add_task_flag(app, flags->tasks);
  const char* policy = "Policy";
  app.add_option("--policy", flags->policy,
                 "bh:alpha=A,min_k=K,max_k=K,weights=native|renormalized|mass,temperature=T,\n"
                 "top_k:k=K,weights=RULE, or a JSON file with the same keys.\n"
                 "docs/formats.md lists all rules (by, holm, top_p, min_p, critical, ...)")
      ->type_name("POLICY")
      ->required()
      ->group(policy);
  app.add_option(
         "--table", flags->table,
         "The calibration table, or a folder of the original system's pickles. Without one\n"
         "they are searched for (see bhroute info); where there are none, bh falls back to\n"
         "ranks among the tokens of one micro-batch (--micro-batch), which know no more than it")
      ->type_name("TABLE")
      ->group(policy);
  app.add_flag("--force", flags->force, "Use a table that was made from another model")
      ->group(policy);
  app.add_flag("--no-kl", flags->no_kl,
               "Leave out the run of the own routing: half the time and no temporary file,\n"
               "but no KL, no agreement and no difference");
  app.add_option("--losses", flags->losses, "Write the loss of every scored token (float32)")
      ->type_name("NPY");
  const char* logs = "Logs";
  app.add_option(
         "--summary", flags->summary,
         "Write what --json prints to a file, and the losses beside it, for `bhroute compare`")
      ->type_name("JSON")
      ->group(logs);
  app.add_option(
         "--routing-log", flags->routing_log,
         "Write sampled tokens' logits, p-values and experts, layer by layer (JSON Lines);\n"
         "windows are then decoded one at a time")
      ->type_name("JSONL")
      ->group(logs);
  add_count(app, "--log-every", flags->log_every, "Every N-th token goes into the routing log")
      ->capture_default_str()
      ->type_name("N")
      ->group(logs);
  return [flags, &context] { return run(*flags, context); };
}

}  // namespace bhroute::cli
