#pragma once
// What an earlier `bhroute quickstart` finished in its folder.

#include <nlohmann/json.hpp>
#include <string>

#include "quickstart_steps.h"

namespace bhroute::cli {

/// finished.json: of each step that was finished the hash of what it was made from, and of the
/// files that it left.
class FinishedSteps {
 public:
  /// None where the file is missing, damaged or newer: its steps then run again.
  explicit FinishedSteps(QuickstartPaths paths);
  /// Whether the step finished from these inputs, and what it left is as it left it.
  bool has(const std::string& step, const std::string& inputs) const;
  /// Marks the folder as quickstart's before anything else is written. Errors: the file cannot be
  /// written.
  Result<void> begin() const;
  /// Whether the step is finished, from other inputs.
  bool has_other(const std::string& step, const std::string& inputs) const;
  /// Errors: the file cannot be written.
  Result<void> add(const std::string& step, const std::string& inputs);

 private:
  Result<void> write() const;

  QuickstartPaths paths_;
  nlohmann::json steps_ = nlohmann::json::object();
};

/// All that decides what the step makes: model, engine, program, text and settings; not threads,
/// nor where the files lie.
std::string tune_inputs(const ModelFlags& flags, const QuickstartProbe& probe, double budget);
/// These, with the configurations, the table and the policies that lie in the folder.
std::string sweep_inputs(const ModelFlags& flags, const QuickstartProbe& probe,
                         const QuickstartPaths& paths);

}  // namespace bhroute::cli
