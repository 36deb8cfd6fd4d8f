#include "sweep_output.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace bhroute::cli {
namespace {

constexpr const char* kRow = "{:<38} {:>10} {:>19} {:>8} {:>7} {:>8} {:>8}  {}\n";

const evaluation::RunResult* baseline_of(const evaluation::SweepOutcome& outcome) {
  const auto found =
      std::find_if(outcome.runs.begin(), outcome.runs.end(),
                   [](const evaluation::RunResult& run) { return run.role == "baseline"; });
  return found == outcome.runs.end() ? nullptr : &*found;
}

}  // namespace

std::string sweep_header() {
  return fmt::format(kRow, "configuration", "perplexity", "loss - baseline", "KL", "top-1",
                     "experts", "tokens/s", "");
}

std::string sweep_row(const evaluation::RunResult& run, bool reused) {
  const std::string difference = run.role == "baseline" || !run.loss_difference
                                     ? ""
                                     : fmt::format("{:+.4f} +/- {:.4f}", *run.loss_difference,
                                                   run.loss_difference_se.value_or(0.0));
  return fmt::format(kRow, run.name, fmt::format("{:.3f}", run.perplexity), difference,
                     fmt::format("{:.4f}", run.kl),
                     fmt::format("{:.1f}%", 100.0 * run.top1_agreement),
                     fmt::format("{:.3f}", run.mean_experts),
                     fmt::format("{:.0f}", run.tokens_per_second), reused ? "reused" : "");
}

std::string sweep_summary(const evaluation::SweepOutcome& outcome, const std::string& directory) {
  std::string text = fmt::format("\n{} configurations finished", outcome.runs.size());
  if (outcome.num_reused > 0)
    text += fmt::format(", {} of them reused from an earlier run", outcome.num_reused);
  text += "\n";
  if (const auto* baseline = baseline_of(outcome))
    text += fmt::format("baseline {}: perplexity {:.4f} +/- {:.4f}, {:.3f} experts a token\n",
                        baseline->name, baseline->perplexity, baseline->perplexity_se,
                        baseline->mean_experts);
  for (const std::string& note : outcome.notes) text += "note: " + note + "\n";
  return text +
         fmt::format("results: {0}/results.json, {0}/results.csv\nnext:    bhroute report {0}\n",
                     directory);
}

nlohmann::json sweep_json(const evaluation::SweepOutcome& outcome, const std::string& directory) {
  nlohmann::json runs = nlohmann::json::array();
  for (const evaluation::RunResult& run : outcome.runs) {
    runs.push_back(to_json(run, false));
    runs.back().erase("layers");
    runs.back().erase("histogram");
  }
  return {{"results", directory + "/results.json"},
          {"num_reused", outcome.num_reused},
          {"notes", outcome.notes},
          {"runs", std::move(runs)}};
}

}  // namespace bhroute::cli
