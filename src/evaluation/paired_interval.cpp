#include "bhroute/evaluation/paired_interval.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace bhroute::evaluation {
namespace {

// A mean of counts is read back from decimals: a rounding away from k is still k.
constexpr double kSlack = 1e-9;

bool is_static(const RunResult& run) {
  return run.policy.rule == routing::Rule::top_k && run.policy.temperature == 1.0 &&
         !run.token_losses.empty();
}

std::vector<double> widened(std::span<const float> values) {
  return {values.begin(), values.end()};
}

const RunResult* find_baseline(std::span<const RunResult> runs) {
  const auto found = std::ranges::find(runs, "baseline", &RunResult::role);
  return found == runs.end() || found->token_losses.empty() ? nullptr : &*found;
}

void fill_against_baseline(RunResult& run, std::span<const double> baseline,
                           std::span<const std::size_t> blocks) {
  const auto interval = paired_interval(run.token_losses, baseline, blocks);
  if (!interval) return;
  run.loss_difference_low = interval->low;
  run.loss_difference_high = interval->high;
}

void fill_against_static(RunResult& run, const StaticLosses& fixed,
                         std::span<const std::size_t> blocks) {
  const auto reference = fixed.at(run.mean_experts, run.policy.weights);
  if (!reference) return;
  const auto interval = paired_interval(run.token_losses, reference->losses, blocks);
  if (!interval) return;
  run.static_reference = reference->name;
  run.static_difference = interval->estimate;
  run.static_difference_low = interval->low;
  run.static_difference_high = interval->high;
}

}  // namespace

std::vector<std::size_t> window_blocks(const WindowedText& text, Score score) {
  std::vector<std::size_t> blocks;
  for (std::size_t w = 0; w < text.num_windows; ++w)
    blocks.push_back(scored_span(text, score, w).count);
  return blocks;
}

Result<std::vector<std::size_t>> window_blocks(std::size_t num_tokens, std::size_t window,
                                               std::size_t num_windows, Score score) {
  // A file says how many: believed only as far as the tokens reach.
  const bool plausible =
      window >= 3 && window <= 3 * (num_tokens + 1) && num_windows > 0 && num_windows <= num_tokens;
  const std::size_t each = score == Score::second_half ? window - 1 - window / 2 : window;
  std::vector<std::size_t> blocks(plausible ? num_windows : 0, each);
  // The text may end with its last window, which then has no next token to predict.
  if (plausible && score == Score::all && num_tokens + 1 == each * num_windows) --blocks.back();
  if (!plausible || std::accumulate(blocks.begin(), blocks.end(), std::size_t{0}) != num_tokens)
    return invalid_input("windows", "do not hold the scored tokens", std::to_string(num_tokens),
                         fmt::format("{} windows of {} tokens", num_windows, window));
  return blocks;
}

std::optional<stats::Interval> paired_interval(std::span<const float> a, std::span<const double> b,
                                               std::span<const std::size_t> blocks) {
  const auto found = stats::block_bootstrap_difference(widened(a), b, blocks);
  if (!found || !std::isfinite(found->estimate)) return std::nullopt;
  return *found;
}

StaticLosses::StaticLosses(std::span<const RunResult> runs, std::size_t own_top_k) {
  const auto add = [](Curve& curve, const RunResult& run) {
    if (std::ranges::find(curve, run.policy.k, &Point::k) == curve.end())
      curve.push_back({run.policy.k, &run.token_losses});
  };
  using routing::WeightRule;
  for (const RunResult& run : runs) {
    if (!is_static(run)) continue;
    const WeightRule weights = run.policy.weights;
    const bool on_both = run.policy.k == own_top_k && weights != WeightRule::renormalized;
    if (weights == WeightRule::native || on_both) add(native_, run);
    if (weights == WeightRule::mass || on_both) add(mass_, run);
    if (weights == WeightRule::renormalized) add(renormalized_, run);
  }
  for (Curve* curve : {&native_, &renormalized_, &mass_}) std::ranges::sort(*curve, {}, &Point::k);
}

const StaticLosses::Curve& StaticLosses::curve(routing::WeightRule weights) const {
  if (weights == routing::WeightRule::mass) return mass_;
  return weights == routing::WeightRule::renormalized ? renormalized_ : native_;
}

std::optional<StaticLosses::Reference> StaticLosses::between(const Curve& curve,
                                                             double mean_experts) {
  const auto above = std::ranges::find_if(curve, [&](const Point& point) {
    return static_cast<double>(point.k) + kSlack >= mean_experts;
  });
  if (above == curve.end()) return std::nullopt;
  const bool on_it = static_cast<double>(above->k) - kSlack <= mean_experts;
  if (above == curve.begin() && !on_it) return std::nullopt;
  const Point& upper = *above;
  const Point& lower = on_it ? upper : *(above - 1);
  if (lower.losses->size() != upper.losses->size()) return std::nullopt;
  if (on_it) return Reference{widened(*upper.losses), fmt::format("k {}", upper.k)};
  const double width = static_cast<double>(upper.k) - static_cast<double>(lower.k);
  const double share = (mean_experts - static_cast<double>(lower.k)) / width;
  std::vector<double> losses(lower.losses->size());
  std::ranges::transform(*lower.losses, *upper.losses, losses.begin(),
                         [share](float a, float b) { return (1.0 - share) * a + share * b; });
  return Reference{std::move(losses), fmt::format("k {} and {}", lower.k, upper.k)};
}

std::optional<StaticLosses::Reference> StaticLosses::at(double mean_experts,
                                                        routing::WeightRule weights) const {
  for (const routing::WeightRule rule : {weights, routing::WeightRule::native})
    if (auto found = between(curve(rule), mean_experts)) {
      found->name = fmt::format("top_k weights={}, {}", routing::to_string(rule), found->name);
      return found;
    }
  return std::nullopt;
}

void fill_intervals(std::span<RunResult> runs, std::span<const std::size_t> blocks,
                    std::size_t own_top_k) {
  const StaticLosses fixed(runs, own_top_k);
  const RunResult* baseline = find_baseline(runs);
  const std::vector<double> own =
      baseline == nullptr ? std::vector<double>{} : widened(baseline->token_losses);
  for (RunResult& run : runs) {
    if (baseline != nullptr) fill_against_baseline(run, own, blocks);
    fill_against_static(run, fixed, blocks);
  }
}

}  // namespace bhroute::evaluation
