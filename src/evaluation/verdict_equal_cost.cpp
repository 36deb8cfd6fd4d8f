// Paragraphs that hold the grid against fixed numbers of experts and against the model's own
// routing.
#include <fmt/format.h>

#include <algorithm>

#include "verdict_paragraphs.h"
#include "verdict_words.h"

namespace bhroute::evaluation {
namespace {

struct Tally {
  std::size_t below = 0, above = 0, level = 0;
  std::size_t compared() const { return below + above + level; }
};

Tally tally(const std::vector<const ReportRun*>& runs, const StaticCurve& curve) {
  Tally found;
  for (const ReportRun* run : runs) {
    const std::optional<LossGap> gap = curve.gap(*run);
    if (!gap) continue;
    if (!gap->beyond_noise())
      ++found.level;
    else
      ++(gap->nats < 0 ? found.below : found.above);
  }
  return found;
}

std::string equal_cost_lead(const Tally& found) {
  if (found.below == 0 && found.above == 0)
    return "At equal mean experts, Benjamini-Hochberg and static top-k cannot be told apart.";
  if (found.below == 0 || found.above == 0)
    return fmt::format("At equal mean experts, {} wins{}.",
                       found.below == 0 ? "static top-k" : "Benjamini-Hochberg routing",
                       found.level > 0 ? " wherever the two can be told apart" : "");
  return fmt::format(
      "At equal mean experts, static top-k wins at {} and Benjamini-Hochberg routing at {}.",
      count(found.above, "grid point"), found.below);
}

std::string best_against_curve(const ReportRun& best, const StaticCurve& curve) {
  const std::string reached =
      fmt::format("The grid's best point by loss, {}, has {} (perplexity {:.1f}) with {} a token",
                  best.name, nats(best.loss), best.perplexity, experts(best.mean_experts));
  const std::optional<LossGap> gap = curve.gap(best);
  if (!gap) return reached + "; no static points lie on both sides of that mean.";
  const std::string fixed = nats(best.loss - gap->nats);
  if (!gap->beyond_noise())
    return fmt::format(
        "{}; static top-k, interpolated at the same mean, has {}: a difference of {} nats, "
        "within the noise.",
        reached, fixed, with_noise(*gap));
  LossGap size = *gap;
  if (size.nats < 0 && size.interval) size.interval = {-gap->interval->high, -gap->interval->low};
  size.nats = std::abs(size.nats);
  return fmt::format("{}; static top-k, interpolated at the same mean, has {}: {} nats {}.",
                     reached, fixed, with_noise(size), gap->nats > 0 ? "less" : "more");
}

std::string noise_words(bool intervals) {
  return intervals ? "their 95 % interval" : "two standard errors";
}

std::string tally_sentence(const Tally& found, std::size_t num_grid, bool intervals) {
  std::string sentence = fmt::format(
      "{}: {} below the static curve, {} above it, {} within {} of it",
      count(num_grid, "grid point"), found.below, found.above, found.level, noise_words(intervals));
  if (found.compared() < num_grid)
    sentence += fmt::format(", {} outside its range", num_grid - found.compared());
  return sentence + ".";
}

std::string noise_note(bool intervals) {
  return intervals ? "Brackets hold the 95 % interval of the difference token by token, from "
                     "windows drawn anew."
                   : "Each ± is an upper bound of the standard error: the results hold how a run "
                     "pairs with the "
                     "baseline, not with another run.";
}

std::size_t num_on_a_level(const std::vector<const ReportRun*>& runs) {
  return static_cast<std::size_t>(std::ranges::count_if(runs, [](const ReportRun* run) {
    if (run->loss_interval) return !run->loss_interval->above_zero();
    return *run->loss_difference <= 2 * run->loss_difference_se.value_or(0.0);
  }));
}

std::string baseline_lead(std::size_t level, std::size_t total, const std::string& own) {
  if (level == 0) return fmt::format("No grid point keeps the quality of {}.", own);
  return fmt::format("{} of {} keep the quality of {}.", level, count(total, "grid point"), own);
}

}  // namespace

std::string equal_cost_paragraph(const ReportSweep& sweep, const StaticCurve& curve) {
  const std::vector<const ReportRun*> grid = sweep.grid();
  const Tally found = tally(grid, curve);
  if (found.compared() == 0) return "";
  const bool intervals = std::ranges::all_of(
      grid, [&](const ReportRun* run) { return !curve.gap(*run) || curve.gap(*run)->interval; });
  return fmt::format("{} {} {} {}", equal_cost_lead(found),
                     best_against_curve(*lowest_loss(grid), curve),
                     tally_sentence(found, grid.size(), intervals), noise_note(intervals));
}

std::string baseline_paragraph(const ReportSweep& sweep) {
  const ReportRun* own = sweep.baseline();
  std::vector<const ReportRun*> grid = sweep.grid();
  std::erase_if(grid, [](const ReportRun* run) { return !run->loss_difference; });
  if (own == nullptr || grid.empty()) return "";
  const ReportRun& best = *lowest_loss(grid);
  const std::string name =
      sweep.top_k ? fmt::format("the model's own top-{}", *sweep.top_k) : "the model's own routing";
  std::string text = fmt::format(
      "{} It has {} (perplexity {:.1f}); against it, token by token, {} loses {} nats",
      baseline_lead(num_on_a_level(grid), grid.size(), name), nats(own->loss), own->perplexity,
      best.name, with_noise({*best.loss_difference, best.loss_difference_se, best.loss_interval}));
  if (best.relative_flops)
    text += fmt::format(" while the experts and the router do {} of the arithmetic",
                        percent(*best.relative_flops));
  return text + ".";
}

}  // namespace bhroute::evaluation
