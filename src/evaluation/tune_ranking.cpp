#include "tune_ranking.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

namespace bhroute::evaluation {
namespace {

using nlohmann::json;
using routing::Rule;

constexpr double kDriftNamed = 0.05;

const char* stage_name(int stage) {
  return stage == 3 ? "final" : stage == 2 ? "second" : "screen";
}

// Off the curve of fixed counts there is nothing to compare with.
double score(const Entry& entry, std::span<const Entry> entries, routing::WeightRule reference,
             std::size_t own_top_k) {
  const StaticCurve curve(entries, entry.num_windows, entry.losses.size(), own_top_k);
  return curve.difference(entry, reference).value_or(std::numeric_limits<double>::infinity());
}

// Fixed counts that only carry the curve at other means are no rivals.
bool is_ranked(const Entry& entry, double budget) {
  if (entry.is_out) return false;
  return entry.candidate.rule != Rule::top_k ||
         std::abs(static_cast<double>(entry.candidate.k) - budget) < 1.0;
}

TunedPolicy summarize(const Entry& entry, std::span<const Entry> entries,
                      const TuneOptions& options, const WindowedText& held, std::size_t own_top_k) {
  const StaticCurve curve(entries, entry.num_windows, entry.losses.size(), own_top_k);
  const auto blocks = window_blocks(part_of(held, 0, entry.num_windows), options.score);
  TunedPolicy tuned;
  tuned.name = entry.candidate.name();
  tuned.policy = entry.solved.policy;
  tuned.table = entry.solved.table;
  tuned.adaptive = entry.candidate.is_adaptive();
  tuned.predicted_mean = entry.solved.mean;
  tuned.mean_experts = entry.mean_experts();
  tuned.num_windows = entry.num_windows;
  tuned.loss = entry.loss();
  tuned.score = curve.difference(entry, options.weights.front())
                    .value_or(std::numeric_limits<double>::infinity());
  if (entry.candidate.rule != Rule::top_k)
    tuned.against_static = curve.interval(entry, entry.candidate.weights, blocks);
  tuned.stage = stage_name(entry.stage);
  return tuned;
}

std::string interval_words(const std::optional<stats::Interval>& interval) {
  if (!interval) return "no interval";
  return fmt::format("{:+.4f} [{:+.4f}, {:+.4f}]", interval->estimate, interval->low,
                     interval->high);
}

std::string drift_words(const TunedPolicy& tuned, double budget) {
  const double off = tuned.mean_experts / budget - 1.0;
  return fmt::format("Its count on held-back text is {:.3f}, {:+.1f} % off the budget{}.",
                     tuned.mean_experts, 100.0 * off,
                     std::abs(off) <= kDriftNamed ? "" : ": it drifts");
}

void add_words(TuneResult& result) {
  if (result.ranking.empty()) return;
  const TunedPolicy& winner = result.ranking.front();
  if (result.best_adaptive && *result.best_adaptive == 0) {
    const bool clear = winner.against_static && winner.against_static->high < 0.0;
    result.notes.push_back(fmt::format(
        "{} wins: {} nats against the fixed count at the same mean{}.", winner.name,
        interval_words(winner.against_static), clear ? "" : ", which is within the noise"));
  } else {
    result.notes.push_back(fmt::format("A fixed count wins: {}.", winner.name));
    if (result.best_adaptive)
      result.notes.push_back(
          fmt::format("The best adaptive policy is {}: {} nats against the fixed count.",
                      result.ranking[*result.best_adaptive].name,
                      interval_words(result.ranking[*result.best_adaptive].against_static)));
  }
  result.notes.push_back(drift_words(winner, result.budget));
  result.notes.push_back(
      "The winner was chosen on the windows that its interval comes from: `evaluate` and `compare` "
      "on another text say what it is worth.");
}

json to_json(const TunedPolicy& tuned) {
  json object{{"name", tuned.name},
              {"policy", routing::to_json(tuned.policy)},
              {"adaptive", tuned.adaptive},
              {"predicted_mean_experts", tuned.predicted_mean},
              {"mean_experts", tuned.mean_experts},
              {"num_windows", tuned.num_windows},
              {"loss", tuned.loss},
              {"stage", tuned.stage}};
  if (std::isfinite(tuned.score)) object["score"] = tuned.score;
  if (tuned.against_static) {
    object["static_difference"] = tuned.against_static->estimate;
    object["static_difference_low"] = tuned.against_static->low;
    object["static_difference_high"] = tuned.against_static->high;
  }
  return object;
}

}  // namespace

bool is_rival(const Entry& entry, bool adaptive) {
  return !entry.is_out && entry.candidate.rule != Rule::top_k &&
         entry.candidate.is_adaptive() == adaptive;
}

std::vector<std::size_t> best_of(std::span<const Entry> entries, int stage, bool adaptive,
                                 std::size_t count, routing::WeightRule reference,
                                 std::size_t own_top_k) {
  std::vector<std::pair<double, std::size_t>> order;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const Entry& entry = entries[i];
    if (entry.stage != stage || !is_rival(entry, adaptive)) continue;
    order.emplace_back(score(entry, entries, reference, own_top_k), i);
  }
  std::sort(order.begin(), order.end());
  std::vector<std::size_t> best;
  for (std::size_t i = 0; i < std::min(count, order.size()); ++i) best.push_back(order[i].second);
  return best;
}

TuneResult rank(std::span<const Entry> entries, const TuneOptions& options,
                const WindowedText& held, std::size_t own_top_k) {
  std::vector<std::pair<int, TunedPolicy>> ranked;
  for (const Entry& entry : entries)
    if (is_ranked(entry, options.budget))
      ranked.emplace_back(entry.stage, summarize(entry, entries, options, held, own_top_k));
  std::stable_sort(ranked.begin(), ranked.end(), [](const auto& a, const auto& b) {
    if (a.first != b.first) return a.first > b.first;
    return a.second.score < b.second.score;
  });
  TuneResult result;
  result.budget = options.budget;
  for (auto& [stage, tuned] : ranked) {
    if (tuned.adaptive && stage == 3 && !result.best_adaptive)
      result.best_adaptive = result.ranking.size();
    result.ranking.push_back(std::move(tuned));
  }
  add_words(result);
  return result;
}

json to_json(const TuneResult& result) {
  json ranking = json::array();
  for (const TunedPolicy& tuned : result.ranking) ranking.push_back(to_json(tuned));
  json object{{"budget", result.budget},
              {"ranking", ranking},
              {"notes", result.notes},
              {"windows_run", result.num_windows},
              {"windows_reused", result.num_reused}};
  if (result.best_adaptive) object["best_adaptive"] = *result.best_adaptive;
  return object;
}

}  // namespace bhroute::evaluation
