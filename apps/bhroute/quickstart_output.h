#pragma once
// What `bhroute quickstart` says before and after its work.

#include <string>
#include <vector>

#include "quickstart_steps.h"

namespace bhroute::cli {

inline constexpr int kNumSteps = 5;

/// How much will run, and about how long that takes.
std::string plan_text(const QuickstartProbe& probe, double budget, double estimated_seconds,
                      const std::string& model);
std::string plan_json(const QuickstartProbe& probe, double budget, double estimated_seconds,
                      const std::vector<std::string>& commands);
/// The subcommands of the steps, as a shell takes them.
std::vector<std::string> command_lines(const ModelFlags& flags, const QuickstartProbe& probe,
                                       double budget, const QuickstartPaths& paths);

struct QuickstartFacts {
  double budget = 0.0, estimated_seconds = 0.0, seconds = 0.0;  ///< estimated 0: all was finished
  Words serve;
  bool has_server = false;  ///< whether PATH has it
};

struct QuickstartOutcome {
  QuickstartFacts facts;
  evaluation::RunResult own, tuned;
};

/// Errors: the sweep's results cannot be read or lack one of the two runs.
Result<QuickstartOutcome> read_outcome(const QuickstartPaths& paths, QuickstartFacts facts);
std::string outcome_json(const QuickstartOutcome& outcome, const QuickstartPaths& paths);
std::string readable(const QuickstartOutcome& outcome, const QuickstartPaths& paths);

}  // namespace bhroute::cli
