#include "bhroute/evaluation/sweep.h"

#include <fmt/format.h>

#include <algorithm>

#include "bhroute/core/file.h"
#include "bhroute/evaluation/paired_interval.h"
#include "run_store.h"
#include "sweep_plan.h"
#include "sweep_record.h"
#include "sweep_results.h"

namespace bhroute::evaluation {
namespace {

using nlohmann::json;

class Sweep {
 public:
  Sweep(ModelRunner& model, const WindowedText& text, const SweepOptions& options, RunStore store,
        ProgressSink& progress)
      : model_(model),
        text_(text),
        options_(options),
        store_(std::move(store)),
        progress_(progress),
        record_(sweep_record(model, text, options)),
        environment_(environment_fingerprint(model, text, options)) {}

  Result<SweepOutcome> run(const Plan& plan, const TableSources& tables) {
    notes_ = plan.notes;
    for (const auto& [null, source] : tables) tables_json_[null] = table_to_json(source);
    for (const Job& job : plan.jobs)
      if (has_own_table(job)) tables_json_[job.table.path] = table_to_json(job.table);
    for (std::size_t i = 0; i < plan.jobs.size(); ++i) {
      progress_.update("sweep", i, plan.jobs.size(), "configurations");
      if (auto done = run_job(plan.jobs[i]); !done) return tl::make_unexpected(done.error());
      if (auto written = write_results(); !written) return tl::make_unexpected(written.error());
    }
    fill_all_intervals();
    if (auto written = write_results(); !written) return tl::make_unexpected(written.error());
    progress_.update("sweep", plan.jobs.size(), plan.jobs.size(), "configurations");
    remove_own_logits();
    return outcome();
  }

 private:
  Result<void> run_job(const Job& job) {
    const std::string fingerprint = job_fingerprint(environment_, job, options_.tasks);
    if (auto finished = store_.load(job.slug, fingerprint)) {
      ++num_reused_;
      return keep(job, std::move(*finished), true);
    }
    auto result = measure(job);
    if (!result) return tl::make_unexpected(result.error());
    if (!*result) return {};
    label(**result, job);
    if (auto paired = pair(**result); !paired) return paired;
    json record = record_;
    record["table"] = table_to_json(job.table);
    if (auto saved = store_.save(job.slug, fingerprint, record, **result); !saved) return saved;
    return keep(job, std::move(**result), false);
  }

  // Nothing, with a note, where the engine or the policy refuses.
  Result<std::optional<RunResult>> measure(const Job& job) {
    std::unique_ptr<routing::Policy> policy;
    if (!job.own_routing) {
      auto made = routing::make_policy(job.configuration->policy, model_.description().facts(),
                                       job.table.table);
      if (!made) return refuse(job, to_string(made.error()));
      policy = std::move(*made);
    }
    if (const auto known = refused_slots_.find(job.slots); known != refused_slots_.end())
      return refuse(job, known->second);
    if (auto set = model_.set_expert_slots(job.slots); !set) {
      if (set.error().kind == ErrorKind::stopped) return tl::make_unexpected(set.error());
      refused_slots_[job.slots] = to_string(set.error());
      return refuse(job, refused_slots_[job.slots]);
    }
    if (auto own = need_own_logits(job.slots); !own) return tl::make_unexpected(own.error());
    EvaluateOptions options = options_.evaluate;
    options.plain_override = job.own_routing;
    auto result = evaluate(model_, text_, policy.get(), own_.get(), options, progress_);
    if (!result) return tl::make_unexpected(result.error());
    if (auto done = answer_tasks(job, policy.get(), *result); !done)
      return tl::make_unexpected(done.error());
    return std::move(*result);
  }

  Result<void> answer_tasks(const Job& job, const routing::Policy* policy, RunResult& result) {
    if (!job.configuration->tasks) return {};
    for (const Task& task : options_.tasks) {
      auto score = evaluate_task(model_, task, policy, text_.window, progress_);
      if (!score) return tl::make_unexpected(score.error());
      result.tasks.push_back(std::move(*score));
    }
    return {};
  }

  std::nullopt_t refuse(const Job& job, const std::string& reason) {
    notes_.push_back(fmt::format("{}: left out, {}", job.configuration->name, reason));
    return std::nullopt;
  }

  // Recorded before the first run that is measured, so a sweep that is finished decodes nothing;
  // with the slots of the model's own routing, which fewer would change.
  Result<void> need_own_logits(std::size_t job_slots) {
    if (own_ != nullptr) return {};
    if (auto set = model_.set_expert_slots(model_.description().top_k); !set) return set;
    auto recorded = record_own_logits(model_, text_, options_.evaluate.score, own_logits_path(),
                                      environment_, progress_);
    if (!recorded) return tl::make_unexpected(recorded.error());
    own_ = std::move(*recorded);
    return model_.set_expert_slots(job_slots);
  }

  static bool has_own_table(const Job& job) {
    return job.table.table != nullptr && !job.configuration->policy.table.empty();
  }

  static void label(RunResult& result, const Job& job) {
    result.name = job.configuration->name;
    result.role = job.configuration->role;
    result.marking = job.configuration->marking;
    result.null =
        has_own_table(job) ? to_string(job.table.table->metadata.null) : job.configuration->null;
    result.policy = job.configuration->policy;
    result.table = job.table.path;
  }

  Result<void> pair(RunResult& result) const {
    if (result.role == "baseline") return pair_with_baseline(result, result);
    const auto baseline = find_baseline();
    return baseline == nullptr ? Result<void>{} : pair_with_baseline(result, *baseline);
  }

  const RunResult* find_baseline() const {
    for (const auto& [index, result] : results_)
      if (result.role == "baseline") return &result;
    return nullptr;
  }

  // A reused run is labelled and paired anew: the list's names or its baseline may have changed.
  Result<void> keep(const Job& job, RunResult result, bool reused) {
    label(result, job);
    result.loss_difference.reset();
    result.loss_difference_se.reset();
    result.loss_difference_low.reset();
    result.loss_difference_high.reset();
    result.static_difference.reset();
    result.static_difference_low.reset();
    result.static_difference_high.reset();
    result.static_reference.clear();
    if (auto paired = pair(result); !paired) return paired;
    const auto kept = results_.emplace(job.index, std::move(result)).first;
    if (options_.on_finished) options_.on_finished(kept->second, reused);
    return {};
  }

  // At the end: the fixed counts that others are held against may come last.
  void fill_all_intervals() {
    std::vector<RunResult> runs;
    for (auto& [index, result] : results_) runs.push_back(std::move(result));
    fill_intervals(runs, window_blocks(text_, options_.evaluate.score), model_.description().top_k);
    auto filled = runs.begin();
    for (auto& [index, result] : results_) result = std::move(*filled++);
  }

  SweepOutcome outcome() const {
    SweepOutcome outcome;
    for (const auto& [index, result] : results_) outcome.runs.push_back(result);
    outcome.notes = notes_;
    outcome.num_reused = num_reused_;
    return outcome;
  }

  Result<void> write_results() const {
    json record = record_;
    record["table"] = tables_json_;
    const SweepOutcome so_far = outcome();
    const auto& directory = options_.directory;
    if (auto csv = write_file(directory / "results.csv", format_csv(so_far)); !csv) return csv;
    return write_file(directory / "results.json", format_results(record, so_far));
  }

  std::filesystem::path own_logits_path() const { return options_.directory / "own_logits.bin"; }

  // Large, and of no use once every configuration has been compared with it.
  void remove_own_logits() {
    own_.reset();
    std::error_code ignored;
    std::filesystem::remove(own_logits_path(), ignored);
  }

  ModelRunner& model_;
  const WindowedText& text_;
  const SweepOptions& options_;
  RunStore store_;
  ProgressSink& progress_;
  json record_, tables_json_ = json::object();
  std::string environment_;
  std::unique_ptr<OwnLogits> own_;
  std::map<std::size_t, RunResult> results_;  // by index in the list
  std::map<std::size_t, std::string> refused_slots_;
  std::vector<std::string> notes_;
  std::size_t num_reused_ = 0;
};

}  // namespace

Result<SweepOutcome> run_sweep(ModelRunner& model, const WindowedText& text,
                               const std::vector<Configuration>& configurations,
                               const SweepOptions& options, ProgressSink& progress) {
  auto tables = hash_tables(options);
  if (!tables) return tl::make_unexpected(tables.error());
  auto plan = plan_sweep(configurations, model.description(), *tables);
  if (!plan) return tl::make_unexpected(plan.error());
  auto store = RunStore::open(options.directory);
  if (!store) return tl::make_unexpected(store.error());
  return Sweep(model, text, options, std::move(*store), progress).run(*plan, *tables);
}

}  // namespace bhroute::evaluation
