#pragma once
// What an earlier `bhroute quickstart` finished in its folder.

#include <nlohmann/json.hpp>
#include <string>

#include "quickstart_steps.h"

namespace bhroute::cli {

/// finished.json: what all is made from, and of each step that was finished the hash of what it was made from, and of the
/// files that it left.
class FinishedSteps {
 public:
  /// None where the file is missing, damaged or newer: its steps then run again.
  explicit FinishedSteps(QuickstartPaths paths);
  /// Whether the step finished from these inputs, and what it left is as it left it.
  bool has(const std::string& step, const std::string& inputs) const;
  /// Whether quickstart began in the folder before.
  bool is_there() const { return is_there_; }
  /// Before anything else is written: notes what the folder is made from. Returns of what was noted
  /// before those that differ, "model", "text" or "budget". Errors: the file cannot be written.
  Result<std::vector<std::string>> begin(const QuickstartProbe& probe, double budget);
  /// Errors: the file cannot be written.
  Result<void> add(const std::string& step, const std::string& inputs);

 private:
  Result<void> write() const;

  QuickstartPaths paths_;
  bool is_there_ = false;
  nlohmann::json made_from_ = nlohmann::json::object();
  nlohmann::json steps_ = nlohmann::json::object();
};

/// All that decides what the step makes: model, engine, program, text and settings; not threads,
/// nor where the files lie.
std::string tune_inputs(const ModelFlags& flags, const QuickstartProbe& probe, double budget);
/// These, with the configurations, the table and the policies that lie in the folder.
std::string sweep_inputs(const ModelFlags& flags, const QuickstartProbe& probe,
                         const QuickstartPaths& paths);

}  // namespace bhroute::cli
