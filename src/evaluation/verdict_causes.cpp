// Paragraphs on what makes the counts and losses what they are: the floor, the weights and the
// null.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "verdict_paragraphs.h"
#include "verdict_words.h"

namespace bhroute::evaluation {
namespace {

using Runs = std::vector<const ReportRun*>;

Runs with_floor_share(Runs runs) {
  std::erase_if(runs, [](const ReportRun* run) { return !run->floor_share; });
  return runs;
}

std::string at_alpha(const std::string& said, const ReportRun& run) {
  return fmt::format("{} at alpha {}", said, decimal(*run.alpha));
}

std::string floor_shares(const Runs& runs) {
  std::vector<std::string> items;
  for (const ReportRun* run : runs) items.push_back(at_alpha(percent(*run->floor_share), *run));
  return list(items);
}

// min_k is 1 in the original's grid; a user's list may hold others.
std::string floor_name(const ReportRun& run) {
  return run.min_k ? fmt::format("min_k = {}", *run.min_k) : "min_k";
}

std::string floor_lead(const Runs& runs) {
  const auto [least, most] = std::ranges::minmax_element(runs, {}, &ReportRun::floor_share);
  const double low = *(*least)->floor_share, high = *(*most)->floor_share;
  const std::string range =
      low == high ? percent(low) : fmt::format("{:.1f} to {}", 100.0 * low, percent(high));
  return fmt::format("{} of the choices fall to the floor of {}.", range,
                     floor_name(*runs.front()));
}

// For the null “all” only: p-values of the very logits it was fitted on are uniform.
std::string bound_sentence(const ReportSweep& sweep, const Runs& runs) {
  const bool all =
      std::ranges::all_of(runs, [](const ReportRun* run) { return run->null == "all"; });
  if (!all || !sweep.num_experts) return "";
  const double alpha = *runs.back()->alpha;
  return fmt::format(
      " The null “all” holds every logit of a layer, those of the chosen experts too, so on text "
      "like "
      "the calibration's its p-values are uniform by construction: the number selected before "
      "min_k "
      "is expected to be at most N alpha = {} × {} = {:.1f}, however the logits depend on each "
      "other, "
      "and near 0 where they depend weakly.",
      *sweep.num_experts, decimal(alpha), static_cast<double>(*sweep.num_experts) * alpha);
}

struct Twin {
  const ReportRun* run;
  const ReportRun* grid;
};

std::vector<Twin> twins(const ReportSweep& sweep, std::string_view marking) {
  std::vector<Twin> found;
  for (const ReportRun* run : at_reference_max_k(sweep.marked(marking)))
    if (const ReportRun* grid = sweep.grid_twin(*run)) found.push_back({run, grid});
  return found;
}

std::string renormalized_lead(const std::vector<Twin>& pairs) {
  const auto costs = [](const Twin& pair) {
    const LossGap gap = loss_gap(curve_point(*pair.run), curve_point(*pair.grid));
    return gap.nats > 0 && gap.beyond_noise();
  };
  if (std::ranges::all_of(pairs, costs)) return "Renormalising the weights costs quality.";
  if (std::ranges::none_of(pairs, costs)) return "Renormalising the weights costs nothing here.";
  return "Renormalising the weights costs quality at some alphas only.";
}

// Rule and table are the same, so only the logits can differ: later layers read what earlier ones
// wrote.
std::string changed_counts(const Twin& pair) {
  const double before = pair.grid->mean_experts, after = pair.run->mean_experts;
  if (std::abs(after - before) < 0.01) return "";
  return fmt::format(
      " Other weights give later layers other logits, so the counts move as well: at alpha {} the "
      "mean goes from {:.2f} to {}.",
      decimal(*pair.run->alpha), before, experts(after));
}

std::string unselected_lead(const ReportRun& run, const ReportRun& grid) {
  if (run.mean_experts > grid.mean_experts && run.loss < grid.loss)
    return "The null “unselected” selects more experts and loses less.";
  if (run.mean_experts > grid.mean_experts)
    return "The null “unselected” selects more experts, yet loses more.";
  return "The null “unselected” selects no more experts.";
}

std::string against_static(const std::vector<Twin>& pairs, const StaticCurve& curve) {
  std::vector<std::string> items;
  for (const Twin& pair : pairs)
    if (const auto gap = curve.gap(*pair.run))
      items.push_back(at_alpha(with_noise(*gap), *pair.run));
  if (items.empty()) return "";
  return fmt::format(
      " Its loss minus that of static top-k at the same mean, in nats, is {}: above 0, static is "
      "better.",
      list(items));
}

}  // namespace

std::string floor_paragraph(const ReportSweep& sweep) {
  const Runs runs = with_floor_share(at_reference_max_k(sweep.grid()));
  if (runs.empty()) return "";
  return fmt::format(
      "{} A choice is one token in one layer; with max_k {} the floor takes {}.{} A floor also "
      "ends any claim "
      "about false discoveries: experts that min_k adds were not found significant, so alpha is a "
      "dial there and "
      "no error rate.",
      floor_lead(runs), *runs.front()->max_k, floor_shares(runs), bound_sentence(sweep, runs));
}

std::string renormalized_paragraph(const ReportSweep& sweep) {
  const std::vector<Twin> pairs = twins(sweep, "renormalized");
  if (pairs.empty()) return "";
  std::vector<std::string> items;
  for (const Twin& pair : pairs) {
    const LossGap gap = loss_gap(curve_point(*pair.run), curve_point(*pair.grid));
    items.push_back(at_alpha(plus_minus(gap.nats, gap.se_bound), *pair.run));
  }
  return fmt::format(
      "{} Scaling the weights to sum to 1, as the original system did, instead of taking the "
      "model's "
      "own changes the loss, in nats, by {} (max_k {}).{}",
      renormalized_lead(pairs), list(items), *pairs.front().run->max_k,
      changed_counts(pairs.back()));
}

std::string unselected_paragraph(const ReportSweep& sweep, const StaticCurve& curve) {
  const std::vector<Twin> pairs = twins(sweep, "unselected");
  if (pairs.empty()) return "";
  const Twin& middle = pairs[pairs.size() / 2 - (pairs.size() % 2 == 0 ? 1 : 0)];
  return fmt::format(
      "{} Fitted on the logits of the experts that the model leaves out, it takes {} in place of "
      "{:.2f} "
      "at alpha {} and max_k {}; the loss goes from {:.3f} to {}.{}",
      unselected_lead(*middle.run, *middle.grid), experts(middle.run->mean_experts),
      middle.grid->mean_experts, decimal(*middle.run->alpha), *middle.run->max_k, middle.grid->loss,
      nats(middle.run->loss), against_static(pairs, curve));
}

}  // namespace bhroute::evaluation
