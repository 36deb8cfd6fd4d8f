// Paragraphs on every rule at equal cost, on tuned policies, and on several models.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "verdict_paragraphs.h"
#include "verdict_words.h"

namespace bhroute::evaluation {
namespace {

using Runs = std::vector<const ReportRun*>;

Runs measured(Runs runs) {
  std::erase_if(
      runs, [](const ReportRun* run) { return !run->static_difference || !run->static_interval; });
  return runs;
}

Runs beside_the_grid(const ReportSweep& sweep) {
  Runs runs = measured(sweep.adaptive());
  std::erase_if(runs, [](const ReportRun* run) { return run->role == "grid"; });
  return runs;
}

std::size_t count_wins(const Runs& runs) {
  return static_cast<std::size_t>(std::ranges::count_if(
      runs, [](const ReportRun* run) { return run->static_interval->below_zero(); }));
}

/// By the interval's upper end: a noisy difference of a policy with one expert is no best.
const ReportRun& surest(const Runs& runs) {
  return **std::ranges::min_element(
      runs, {}, [](const ReportRun* run) { return run->static_interval->high; });
}

// Four digits: what there is to win lies in the third.
std::string difference(const ReportRun& run) {
  const double nats = *run.static_difference;
  return fmt::format("{}{:.4f} {} nats", nats < 0 ? "−" : "+", std::abs(nats),
                     bracketed(*run.static_interval, 4));
}

std::string rules_lead(std::size_t wins, std::size_t ties, std::size_t all) {
  if (wins > 0)
    return fmt::format("{} of {} rules beyond the grid {} a fixed number of experts at equal cost.",
                       wins, all, wins == 1 ? "beats" : "beat");
  if (ties > 0)
    return fmt::format(
        "No rule beats a fixed number of experts at equal cost; {} of {} cannot be told apart from "
        "it.",
        ties, all);
  return fmt::format("Each of {} rules beyond the grid loses to a fixed number of experts.", all);
}

std::string chance_sentence(std::size_t wins, std::size_t all) {
  if (wins == 0 || all == 1) return "";
  return fmt::format(" With {} looks, about {:.1f} would seem to win where nothing is to be won.",
                     all, 0.025 * static_cast<double>(all));
}

std::string tuned_lead(const Runs& runs) {
  const auto wins = [](const ReportRun* run) { return run->static_interval->below_zero(); };
  const auto loses = [](const ReportRun* run) { return run->static_interval->above_zero(); };
  if (runs.size() > 1)
    return fmt::format(
        "{} of {} tuned policies beat a fixed number of experts at their cost, {} lose.",
        std::ranges::count_if(runs, wins), runs.size(), std::ranges::count_if(runs, loses));
  if (std::ranges::any_of(runs, wins))
    return "The tuned policy beats a fixed number of experts at its cost.";
  if (std::ranges::all_of(runs, loses))
    return "The tuned policy loses to a fixed number of experts.";
  return "The tuned policy and a fixed number of experts cannot be told apart at equal cost.";
}

std::string point(const ReportRun& run) {
  return fmt::format("perplexity {:.1f} with {}", run.perplexity, experts(run.mean_experts));
}

std::string best_lead(const ReportRun& best, std::size_t all) {
  const std::string who = all == 1 ? "The one policy at equal cost"
                                   : fmt::format("The best of {} policies at equal cost", all);
  if (best.static_interval->below_zero())
    return fmt::format("{}, {}, beats a fixed number of experts.", who, best.name);
  if (!best.static_interval->above_zero())
    return fmt::format("{}, {}, cannot be told apart from a fixed number of experts.", who,
                       best.name);
  if (all == 1) return fmt::format("{}, {}, loses to a fixed number of experts.", who, best.name);
  return fmt::format(
      "Each of {} policies loses to a fixed number of experts at equal cost; {} loses least.", all,
      best.name);
}

const ReportRun* original(const ReportSweep& sweep) {
  for (const ReportRun* run : at_reference_max_k(sweep.marked("renormalized")))
    if (run->alpha == 0.05) return run;
  return nullptr;
}

const ReportRun* unselected_twin(const ReportSweep& sweep, const ReportRun& run) {
  for (const ReportRun* other : at_reference_max_k(sweep.marked("unselected")))
    if (other->alpha == run.alpha) return other;
  return nullptr;
}

const ReportRun* last_tuned(const ReportSweep& sweep) {
  const Runs tuned = sweep.marked("tuned");
  return tuned.empty() ? nullptr : lowest_loss(tuned);
}

struct Candidate {
  const ReportRun* run;
  const ReportSweep* sweep;
};

// Of the first sweep a run pairs with its own baseline, of the others with the first one's.
std::optional<ReportInterval> against_reference(const ReportRun& run, bool first) {
  return first ? run.loss_interval : run.reference_interval;
}

std::vector<Candidate> not_worse(std::span<const ReportSweep> sweeps) {
  std::vector<Candidate> found;
  for (const ReportSweep& sweep : sweeps)
    for (const ReportRun& run : sweep.runs) {
      const auto interval = against_reference(run, &sweep == sweeps.data());
      const bool is_reference = &sweep == sweeps.data() && run.role == "baseline";
      if (is_reference || (interval && !interval->above_zero())) found.push_back({&run, &sweep});
    }
  std::ranges::sort(found, {},
                    [](const Candidate& c) { return std::pair(c.run->mean_experts, c.run->loss); });
  return found;
}

std::string cheapest_words(const Candidate& candidate, const ReportRun& reference) {
  if (candidate.run == &reference) return "nothing is cheaper than that routing itself";
  return fmt::format("{} of {}, {}", candidate.run->name,
                     candidate.sweep->model.empty() ? "the model" : candidate.sweep->model,
                     point(*candidate.run));
}

std::string cheapest_of(std::span<const ReportSweep> sweeps, const ReportSweep& sweep) {
  for (const Candidate& candidate : not_worse(sweeps))
    if (candidate.sweep == &sweep)
      return fmt::format("{} with {}", candidate.run->name, experts(candidate.run->mean_experts));
  return "none";
}

}  // namespace

std::string best_paragraph(const ReportSweep& sweep) {
  const Runs runs = measured(sweep.adaptive());
  if (runs.empty()) return "";
  const ReportRun& best = surest(runs);
  return fmt::format(
      "{} Its loss minus that of a fixed number with the same weights at the same mean: {}; {}.{}",
      best_lead(best, runs.size()), difference(best), point(best),
      chance_sentence(count_wins(runs), runs.size()));
}

std::string rules_paragraph(const ReportSweep& sweep) {
  const Runs runs = beside_the_grid(sweep);
  if (runs.empty()) return "";
  const std::size_t wins = count_wins(runs);
  const auto losses = static_cast<std::size_t>(std::ranges::count_if(
      runs, [](const ReportRun* run) { return run->static_interval->above_zero(); }));
  const ReportRun& best = surest(runs);
  return fmt::format(
      "{} {} win, {} cannot be told apart, {} lose, by the 95 % interval of the loss minus that of "
      "a fixed number "
      "with the same weights at the same mean. The best is {}: {} at {}.{}",
      rules_lead(wins, runs.size() - wins - losses, runs.size()), wins, runs.size() - wins - losses,
      losses, best.name, difference(best), experts(best.mean_experts),
      chance_sentence(wins, runs.size()));
}

std::string tuned_paragraph(const ReportSweep& sweep) {
  const Runs runs = measured(sweep.marked("tuned"));
  if (runs.empty()) return "";
  std::vector<std::string> items;
  for (const ReportRun* run : runs)
    items.push_back(
        fmt::format("{}: {} at {}", run->name, difference(*run), experts(run->mean_experts)));
  return fmt::format("{} Loss minus that of the fixed number at the same mean: {}.",
                     tuned_lead(runs), list(items));
}

std::string story_paragraph(const ReportSweep& sweep) {
  const ReportRun* first = original(sweep);
  const ReportRun* native = first == nullptr ? nullptr : sweep.grid_twin(*first);
  if (native == nullptr) return "";
  std::string text = fmt::format(
      "From the original's choice to what repairs it. Its null “all” with renormalized weights "
      "(alpha 0.05, max_k {}) "
      "has {}; with the model's own weights {}",
      *first->max_k, point(*first), point(*native));
  if (const ReportRun* null = unselected_twin(sweep, *first))
    text += fmt::format("; with the null “unselected” too, {}", point(*null));
  if (const ReportRun* tuned = last_tuned(sweep))
    text += fmt::format("; tuned for a budget, {}", point(*tuned));
  if (sweep.baseline() != nullptr)
    text += fmt::format(". The model's own routing has {}", point(*sweep.baseline()));
  return text + ".";
}

std::string models_paragraph(std::span<const ReportSweep> sweeps) {
  if (sweeps.empty() || sweeps.front().baseline() == nullptr) return "";
  const ReportRun& reference = *sweeps.front().baseline();
  const std::vector<Candidate> found = not_worse(sweeps);
  if (found.empty() || (found.size() == 1 && !reference.loss_interval)) return "";
  std::string text = fmt::format(
      "The cheapest policy that is not worse than {}'s own routing: {}. Not worse means that the "
      "95 % interval of "
      "the paired difference does not lie above 0; that routing has {}.",
      sweeps.front().model.empty() ? "the model" : sweeps.front().model,
      cheapest_words(found.front(), reference), point(reference));
  if (sweeps.size() > 1)
    for (const ReportSweep& sweep : sweeps)
      text += fmt::format(" Cheapest of {}: {}.", sweep.model, cheapest_of(sweeps, sweep));
  return text;
}

}  // namespace bhroute::evaluation
