#include "bhroute/evaluation/tune.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "bhroute/core/json.h"
#include "bhroute/core/sha256.h"
#include "bhroute/core/stop.h"
#include "decode_text.h"
#include "run_store.h"
#include "tune_entry.h"
#include "tune_ranking.h"

namespace bhroute::evaluation {
namespace {

using routing::PolicySpec;
using routing::Rule;
using TablePtr = std::shared_ptr<const calibration::CalibrationTable>;

constexpr std::size_t kCorrectionWindows = 4;
// A count farther from the budget than this is another budget's policy.
constexpr double kFarFromBudget = 0.1;

class Tuner {
 public:
  Tuner(ModelRunner& model, const WindowedText& text, const TuneOptions& options, RunStore store,
        ProgressSink& progress)
      : model_(model),
        text_(text),
        options_(options),
        store_(std::move(store)),
        progress_(progress),
        fit_(options, model.description()) {}

  Result<TuneResult> run() {
    planned_ = planned_windows(options_, model_.description(), text_.num_windows);
    advance(0);
    for (auto stage : {&Tuner::learn, &Tuner::measure_layers, &Tuner::screen, &Tuner::vary,
                       &Tuner::second_round, &Tuner::final_round})
      if (auto ok = (this->*stage)(); !ok) return tl::make_unexpected(ok.error());
    advance(planned_);
    TuneResult result =
        rank(entries_, options_, part_of(text_, options_.fit, held()), model_.description().top_k);
    result.notes.insert(result.notes.begin(), notes_.begin(), notes_.end());
    result.num_windows = num_run_;
    result.num_reused = num_reused_;
    return result;
  }

 private:
  std::size_t held() const { return text_.num_windows - options_.fit; }
  std::size_t upto(std::size_t wanted) const { return std::min(wanted, held()); }

  void advance(std::size_t windows) {
    done_ = std::min(done_ + windows, planned_);
    progress_.update("tune", done_, planned_, "windows");
  }

  // ---- the model ----

  /// Router logits of the fit's first windows under `policy` (null: the model's own routing).
  Result<LogitRows> observe(std::size_t count, const routing::Policy* policy) {
    const std::size_t slots =
        policy == nullptr ? model_.description().top_k : policy->spec().largest_k();
    if (auto ok = model_.set_expert_slots(slots); !ok) return tl::make_unexpected(ok.error());
    LogitRows rows;
    auto scope = RoutingScope::enter(model_, policy, &rows);
    if (!scope) return tl::make_unexpected(scope.error());
    const WindowedText text = part_of(text_, 0, count);
    if (auto done = decode_text(model_, text, text.window, nullptr, "collect", progress_); !done)
      return tl::make_unexpected(done.error());
    num_run_ += count;
    advance(count);
    return rows;
  }

  std::string fingerprint(const PolicySpec& spec, const std::string& table, std::size_t first,
                          std::size_t count) const {
    return dump_json({{"model", model_.description().sha256},
                      {"engine", model_.description().engine},
                      {"text", options_.text_sha256},
                      {"window", text_.window},
                      {"first", first},
                      {"windows", count},
                      {"score", std::string(to_string(options_.score))},
                      {"fit", options_.fit},
                      {"table", table},
                      {"policy", routing::to_json(spec)}});
  }

  /// The text's windows [first, first + count), from an earlier run if it finished there.
  Result<RunResult> evaluate_part(const PolicySpec& spec, const TablePtr& table,
                                  const std::string& table_name, std::size_t first,
                                  std::size_t count) {
    const std::string key = fingerprint(spec, table_name, first, count);
    const std::string slug = sha256(key).substr(0, 24);
    if (auto known = store_.load(slug, key)) {
      num_reused_ += count;
      advance(count);
      return *std::move(known);
    }
    auto result = evaluate_now(spec, table, part_of(text_, first, count));
    if (!result) return result;
    num_run_ += count;
    advance(count);
    if (auto ok = store_.save(slug, key, nlohmann::json::object(), *result); !ok)
      return tl::make_unexpected(ok.error());
    return result;
  }

  Result<RunResult> evaluate_now(const PolicySpec& spec, const TablePtr& table,
                                 const WindowedText& text) {
    const auto policy = routing::make_policy(spec, model_.description().facts(), table);
    if (!policy) return tl::make_unexpected(policy.error());
    if (auto ok = model_.set_expert_slots(spec.largest_k()); !ok)
      return tl::make_unexpected(ok.error());
    EvaluateOptions options;
    options.score = options_.score;
    options.num_threads = options_.num_threads;
    return evaluate(model_, text, policy->get(), nullptr, options, progress_);
  }

  Result<void> run_entry(Entry& entry, std::size_t wanted) {
    const std::size_t upto = this->upto(wanted);
    if (entry.num_windows >= upto) return {};
    const std::size_t count = upto - entry.num_windows;
    const std::string table = entry.solved.table == nullptr ? "" : entry.candidate.name();
    auto result = evaluate_part(entry.solved.policy, entry.solved.table, table,
                                options_.fit + entry.num_windows, count);
    if (!result) return tl::make_unexpected(result.error());
    entry.losses.insert(entry.losses.end(), result->token_losses.begin(),
                        result->token_losses.end());
    entry.sum_of_means += result->mean_experts * static_cast<double>(count);
    entry.num_windows = upto;
    return {};
  }

  // ---- the fit ----

  Result<void> learn() {
    auto rows = observe(options_.fit, nullptr);
    if (!rows) return tl::make_unexpected(rows.error());
    fit_.rows = *std::move(rows);
    return {};
  }

  PolicySpec fixed_at(std::size_t k) const {
    PolicySpec spec;
    spec.rule = Rule::top_k;
    spec.k = k;
    spec.weights = options_.weights.front();
    return spec;
  }

  PolicySpec fixed_but(std::size_t k, int layer, std::size_t own) const {
    PolicySpec spec = fixed_at(k);
    spec.rule = Rule::top_k_per_layer;
    const auto& layers = model_.description().moe_layers;
    spec.ks.assign(static_cast<std::size_t>(*std::ranges::max_element(layers)) + 1, k);
    spec.ks[static_cast<std::size_t>(layer)] = own;
    return spec;
  }

  /// The counts at which a layer is measured, in order.
  std::vector<std::size_t> counts_of(int layer) const {
    const auto k = static_cast<std::size_t>(std::lround(options_.budget));
    const auto& model = model_.description();
    const std::size_t width = layer == model.moe_layers.front() ? kWidestMeasured : 1;
    std::vector<std::size_t> counts;
    for (std::size_t one = k > width ? k - width : 1; one <= std::min(k + width, model.num_experts);
         ++one)
      counts.push_back(one);
    return counts;
  }

  /// What each layer loses at other counts, the others at the budget; and how that depends on the
  /// probability of the expert concerned.
  Result<void> measure_layers() {
    if (options_.sensitivity == 0) return {};
    const auto k = static_cast<std::size_t>(std::lround(options_.budget));
    const auto policy = routing::make_policy(fixed_at(k), model_.description().facts(), nullptr);
    if (!policy) return tl::make_unexpected(policy.error());
    const auto rows = observe(options_.sensitivity, policy->get());
    if (!rows) return tl::make_unexpected(rows.error());
    const auto middle = evaluate_fit(fixed_at(k));
    if (!middle) return tl::make_unexpected(middle.error());
    MeasuredBenefits measured;
    for (int layer : model_.description().moe_layers) {
      auto losses = measure_layer(layer, k, *middle);
      if (!losses) return tl::make_unexpected(losses.error());
      if (options_.score != Score::all) continue;  // losses and rows are of the same tokens
      measured[layer] = benefits_of(*losses, rows->all(layer));
      if (layer == model_.description().moe_layers.front())
        if (auto ok = measure_slopes(k, *losses, rows->all(layer), measured[layer]); !ok) return ok;
    }
    fit_.benefits = predict_benefits(measured);
    return {};
  }

  using LossesByCount = std::map<std::size_t, std::vector<float>>;

  Result<RunResult> evaluate_fit(const PolicySpec& spec) {
    return evaluate_part(spec, nullptr, "", 0, options_.sensitivity);
  }

  Result<LossesByCount> measure_layer(int layer, std::size_t k, const RunResult& middle) {
    LossesByCount losses;
    for (std::size_t own : counts_of(layer)) {
      const auto run = own == k ? middle : evaluate_fit(fixed_but(k, layer, own));
      if (!run) return tl::make_unexpected(run.error());
      fit_.losses[layer][own] = run->loss;
      losses[own] = run->token_losses;
    }
    return losses;
  }

  std::map<std::size_t, MeasuredBenefit> benefits_of(const LossesByCount& losses,
                                                     LogitsView rows) const {
    std::map<std::size_t, MeasuredBenefit> benefits;
    for (auto more = std::next(losses.begin()); more != losses.end(); ++more)
      benefits[more->first] = measure_benefit(std::prev(more)->second, more->second,
                                              log_probs_at(rows, more->first), text_.window);
    return benefits;
  }

  /// In the first MoE layer tokens differ most in what an expert is worth to them and to those that
  /// follow: one more pass a rank, in which half of the tokens have the expert, measures the slope.
  Result<void> measure_slopes(std::size_t k, const LossesByCount& losses, LogitsView rows,
                              std::map<std::size_t, MeasuredBenefit>& benefits) {
    for (auto& [rank, benefit] : benefits) {
      const auto log_probs = log_probs_at(rows, rank);
      const double middle = quantile_of(log_probs, 0.5);
      PolicySpec half = fixed_at(k);
      half.rule = Rule::critical;
      half.min_k = half.max_k = k;
      half.layers[model_.description().moe_layers.front()] = {
          {"min_k", rank - 1}, {"max_k", rank}, {"criticals", std::vector{middle}}};
      const auto upper = evaluate_fit(half);
      if (!upper) return tl::make_unexpected(upper.error());
      benefit.slope = measure_slope(losses.at(rank - 1), losses.at(rank), upper->token_losses,
                                    log_probs, middle);
    }
    return {};
  }

  // ---- the rounds ----

  Result<void> enter(const Candidate& candidate) {
    if (std::ranges::find(entries_, candidate, &Entry::candidate) != entries_.end()) return {};
    if (auto go_on = check_stop(); !go_on) return go_on;
    auto solved = fit_.solve(candidate, fit_.rows);
    if (!solved) {
      notes_.push_back(candidate.name() + ": left out, " + to_string(solved.error()));
      return {};
    }
    Entry entry{candidate, *std::move(solved), {}, 0.0, 0, 1, false};
    if (auto ok = run_entry(entry, options_.screen); !ok) return ok;
    drop_if_far(entry);
    entries_.push_back(std::move(entry));
    return {};
  }

  void drop_if_far(Entry& entry) {
    if (entry.candidate.rule == Rule::top_k) return;
    const double off = entry.mean_experts() / options_.budget - 1.0;
    if (std::abs(off) <= kFarFromBudget) return;
    entry.is_out = true;
    notes_.push_back(
        fmt::format("{}: left out, {:.2f} experts on held-back text, {:+.0f} % off the "
                    "budget",
                    entry.candidate.name(), entry.mean_experts(), 100.0 * off));
  }

  Result<void> screen() {
    for (const auto& list : {static_candidates(options_), first_candidates(options_)})
      for (const Candidate& candidate : list)
        if (auto ok = enter(candidate); !ok) return ok;
    return {};
  }

  /// The best candidate of each of the best rules, varied.
  Result<void> vary() {
    std::vector<Candidate> list;
    std::set<Rule> rules;
    for (std::size_t i : best(entries_.size(), true)) {
      const Candidate& one = entries_[i].candidate;
      if (rules.size() == options_.num_variants || !rules.insert(one.rule).second) continue;
      for (const Candidate& variant : variants_of(one, options_)) list.push_back(variant);
    }
    for (const Candidate& one : list)
      if (auto ok = enter(one); !ok) return ok;
    return {};
  }

  /// Indices of the best adaptive entries (or fixed ones a layer) that ran farthest.
  std::vector<std::size_t> best(std::size_t count, bool adaptive) const {
    int stage = 0;
    for (const Entry& entry : entries_)
      if (is_rival(entry, adaptive)) stage = std::max(stage, entry.stage);
    return best_of(entries_, stage, adaptive, count, options_.weights.front(),
                   model_.description().top_k);
  }

  // Fixed counts of the weights that no policy of the round has are of no use to it.
  bool needs_curve(routing::WeightRule weights, int stage) const {
    return weights == options_.weights.front() ||
           std::ranges::any_of(entries_, [&](const Entry& entry) {
             return entry.stage == stage && entry.candidate.is_adaptive() &&
                    entry.candidate.weights == weights;
           });
  }

  Result<void> run_fixed(std::size_t windows, int stage) {
    for (Entry& entry : entries_) {
      if (entry.candidate.rule != Rule::top_k || !needs_curve(entry.candidate.weights, stage))
        continue;
      if (auto ok = run_entry(entry, windows); !ok) return ok;
      entry.stage = stage;
    }
    for (std::size_t i : best(1, false)) {
      if (auto ok = run_entry(entries_[i], windows); !ok) return ok;
      entries_[i].stage = stage;
    }
    return {};
  }

  Result<void> run_best(std::size_t count, std::size_t windows, int stage, bool correct) {
    for (std::size_t i : best(count, true)) {
      if (correct)
        if (auto ok = correct_for_shift(entries_[i]); !ok) return ok;
      if (auto ok = run_entry(entries_[i], windows); !ok) return ok;
      entries_[i].stage = stage;
    }
    return {};
  }

  /// One fixed-point step: the policy's own routing shifts the logits of deeper layers, so it is
  /// solved again on the logits that it meets itself. Its earlier windows no longer count.
  Result<void> correct_for_shift(Entry& entry) {
    const auto policy =
        routing::make_policy(entry.solved.policy, model_.description().facts(), entry.solved.table);
    if (!policy) return tl::make_unexpected(policy.error());
    const auto rows = observe(std::min(kCorrectionWindows, options_.fit), policy->get());
    if (!rows) return tl::make_unexpected(rows.error());
    auto solved = fit_.solve(entry.candidate, *rows);
    if (!solved) return tl::make_unexpected(solved.error());
    if (solved->policy == entry.solved.policy) return {};
    entry = Entry{entry.candidate, *std::move(solved), {}, 0.0, 0, entry.stage, false};
    return {};
  }

  Result<void> second_round() {
    if (auto ok = run_best(options_.num_second, options_.second, 2, true); !ok) return ok;
    return run_fixed(options_.second, 2);
  }
  Result<void> final_round() {
    if (auto ok = run_best(options_.num_final, options_.final, 3, false); !ok) return ok;
    return run_fixed(options_.final, 3);
  }

  ModelRunner& model_;
  const WindowedText& text_;
  const TuneOptions& options_;
  RunStore store_;
  ProgressSink& progress_;
  Fit fit_;
  std::vector<Entry> entries_;
  std::vector<std::string> notes_;
  std::size_t planned_ = 0, done_ = 0, num_run_ = 0, num_reused_ = 0;
};

Result<void> check(const ModelDescription& model, const WindowedText& text,
                   const TuneOptions& options) {
  const double most = static_cast<double>(model.num_experts);
  if (!(options.budget >= 1.0 && options.budget < most))
    return invalid_input("--budget", "out of range", fmt::format("{}", options.budget),
                         fmt::format("1 <= budget < {}", model.num_experts));
  if (options.weights.empty()) return invalid_input("--weights", "no weight rule");
  if (options.fit < 1) return invalid_input("--fit", "no windows to fit on", "0", "1 or more");
  if (text.num_windows < options.fit + 2)
    return invalid_input("text", "too short to hold back two windows from the fit",
                         fmt::format("{} windows", text.num_windows),
                         fmt::format("at least {}", options.fit + 2));
  if (options.sensitivity > options.fit)
    return invalid_input("--sensitivity", "more windows than the fit has",
                         std::to_string(options.sensitivity), std::to_string(options.fit));
  return {};
}

}  // namespace

std::size_t planned_windows(const TuneOptions& options, const ModelDescription& model,
                            std::size_t num_windows) {
  const std::size_t held = num_windows - std::min(num_windows, options.fit);
  const auto upto = [held](std::size_t wanted) { return std::min(wanted, held); };
  const std::size_t statics = static_candidates(options).size();
  const std::size_t first = statics + first_candidates(options).size();
  return options.fit + (2 * model.moe_layers.size() + 4 * kWidestMeasured) * options.sensitivity +
         (first + 4 * options.num_variants) * upto(options.screen) +
         options.num_second * (kCorrectionWindows + upto(options.second)) +
         (statics + 1) * (upto(options.second) - upto(options.screen)) +
         (options.num_final + statics + 1) * (upto(options.final) - upto(options.second));
}

Result<TuneResult> tune(ModelRunner& model, const WindowedText& text, const TuneOptions& options,
                        ProgressSink& progress) {
  if (auto ok = check(model.description(), text, options); !ok)
    return tl::make_unexpected(ok.error());
  auto store = RunStore::open(options.work);
  if (!store) return tl::make_unexpected(store.error());
  return Tuner(model, text, options, std::move(*store), progress).run();
}

}  // namespace bhroute::evaluation
