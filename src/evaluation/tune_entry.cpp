#include "tune_entry.h"

#include <algorithm>
#include <numeric>

namespace bhroute::evaluation {
namespace {

std::vector<RunResult> fixed_runs(std::span<const Entry> entries, std::size_t num_windows,
                                  std::size_t num_tokens) {
  std::vector<RunResult> runs;
  for (const Entry& entry : entries) {
    if (entry.candidate.rule != routing::Rule::top_k || entry.num_windows < num_windows) continue;
    RunResult run;
    run.policy = entry.solved.policy;
    run.mean_experts = static_cast<double>(entry.candidate.k);
    run.token_losses.assign(entry.losses.begin(),
                            entry.losses.begin() + static_cast<std::ptrdiff_t>(num_tokens));
    runs.push_back(std::move(run));
  }
  return runs;
}

}  // namespace

double Entry::loss() const {
  return std::accumulate(losses.begin(), losses.end(), 0.0) / static_cast<double>(losses.size());
}

WindowedText part_of(const WindowedText& text, std::size_t first, std::size_t count) {
  const std::size_t begin = first * text.window;
  const std::size_t end = std::min(text.tokens.size(), (first + count) * text.window + 1);
  return {{text.tokens.begin() + static_cast<std::ptrdiff_t>(begin),
           text.tokens.begin() + static_cast<std::ptrdiff_t>(end)},
          text.window,
          count};
}

StaticCurve::StaticCurve(std::span<const Entry> entries, std::size_t num_windows,
                         std::size_t num_tokens, std::size_t own_top_k)
    : runs_(fixed_runs(entries, num_windows, num_tokens)), losses_(runs_, own_top_k) {}

std::optional<double> StaticCurve::difference(const Entry& entry,
                                              routing::WeightRule weights) const {
  const auto reference = losses_.at(entry.mean_experts(), weights);
  if (!reference || reference->losses.size() != entry.losses.size()) return std::nullopt;
  double sum = 0.0;
  for (std::size_t i = 0; i < entry.losses.size(); ++i)
    sum += static_cast<double>(entry.losses[i]) - reference->losses[i];
  return sum / static_cast<double>(entry.losses.size());
}

std::optional<stats::Interval> StaticCurve::interval(const Entry& entry,
                                                     routing::WeightRule weights,
                                                     std::span<const std::size_t> blocks) const {
  const auto reference = losses_.at(entry.mean_experts(), weights);
  if (!reference || reference->losses.size() != entry.losses.size()) return std::nullopt;
  return paired_interval(entry.losses, reference->losses, blocks);
}

}  // namespace bhroute::evaluation
