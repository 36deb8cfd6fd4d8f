#include "tune_output.h"

#include <fmt/format.h>

namespace bhroute::cli {
namespace {

constexpr const char* kRow = "{:>4} {:<58} {:>8} {:>8} {:>7} {:>28} {:>8}\n";

std::string difference(const evaluation::TunedPolicy& tuned) {
  if (!tuned.against_static) return tuned.adaptive ? "" : "itself";
  return fmt::format("{:+.4f} [{:+.4f}, {:+.4f}]", tuned.against_static->estimate,
                     tuned.against_static->low, tuned.against_static->high);
}

}  // namespace

std::string readable(const evaluation::TuneResult& result, const std::string& output) {
  std::string text = fmt::format(kRow, "rank", fmt::format("policy (budget {})", result.budget),
                                 "experts", "loss", "windows", "against fixed, 95 %", "stage");
  std::size_t rank = 0;
  for (const auto& tuned : result.ranking)
    text += fmt::format(kRow, ++rank, tuned.name, fmt::format("{:.3f}", tuned.mean_experts),
                        fmt::format("{:.4f}", tuned.loss), tuned.num_windows, difference(tuned),
                        tuned.stage);
  text +=
      "\nagainst fixed: nats against the fixed count at the same mean and weights, on the same "
      "held-back windows.\n";
  for (const std::string& note : result.notes) text += note + "\n";
  return text + fmt::format("{} windows run, {} reused\npolicy: {}\n", result.num_windows,
                            result.num_reused, output);
}

}  // namespace bhroute::cli
