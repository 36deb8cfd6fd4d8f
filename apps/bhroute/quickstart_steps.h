#pragma once
// The parts of `bhroute quickstart`, each a subcommand that a person could type.

#include <string>
#include <vector>

#include "quickstart_probe.h"

namespace bhroute::cli {

struct QuickstartPaths {
  std::string folder;
  std::string at(const char* name) const { return folder + "/" + name; }
  std::string learning() const { return at("learning.txt"); }
  std::string evaluation() const { return at("evaluation.txt"); }
  std::string table() const { return at("table.safetensors"); }
  std::string policy() const { return at("policy.json"); }
  std::string adaptive() const { return at("policy.adaptive.json"); }
  std::string configurations() const { return at("configurations.json"); }
  std::string sweep() const { return at("evaluation"); }
  std::string results() const { return at("evaluation/results.json"); }
  std::string steps() const { return at("steps.txt"); }
  std::string finished() const { return at("finished.json"); }
  std::string report() const { return at("report.html"); }
};

using Words = std::vector<std::string>;

Words calibrate_words(const ModelFlags& flags, const QuickstartPlan& plan,
                      const QuickstartPaths& paths);
Words tune_words(const ModelFlags& flags, const QuickstartPlan& plan, double budget,
                 const QuickstartPaths& paths);
Words sweep_words(const ModelFlags& flags, const QuickstartPlan& plan,
                  const QuickstartPaths& paths);
Words report_words(const QuickstartPaths& paths);
inline constexpr const char* kServer = "llama-server";
/// What serves the model with the policy.
Words serve_words(const ModelFlags& flags, const QuickstartPaths& paths);

/// The names that the results' runs are found by.
inline constexpr const char* kOwnRun = "the model's own";
inline constexpr const char* kTunedRun = "tuned";
inline constexpr std::size_t kMostRuns = 8;

/// The list that the sweep evaluates: the model's own routing, fixed counts around the budget with
/// the tuned policy's weights, `bh` (predicted to be nearest to the budget; "" = none), the tuned
/// policies. Errors: the policy that was tuned cannot be read.
Result<std::string> configurations_text(const evaluation::ModelDescription& model, double budget,
                                        const std::string& bh, const QuickstartPaths& paths);

}  // namespace bhroute::cli
