#pragma once
// Many configurations on one text: each result is on disk before the next starts; run again, it
// continues.

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "bhroute/calibration/calibration_table.h"
#include "bhroute/core/progress.h"
#include "bhroute/evaluation/evaluate.h"
#include "bhroute/evaluation/task.h"

namespace bhroute::evaluation {

/// One line of the sweep's list.
struct Configuration {
  std::string name;
  std::string role;     ///< baseline, grid or reference
  std::string marking;  ///< "", "renormalized", "unselected", "static"
  std::string null;     ///< name of the table to use: "all", "unselected"; "" for top_k
  routing::PolicySpec policy;
  bool plain_override = false;  ///< static points: expert_used_count = k, the model's own routing,
                                ///< nothing tapped but what counts experts
  bool tasks = false;           ///< also answers the sweep's tasks
};

/// Baseline, the 20 of the grid, renormalized and unselected at max_k 16, static top-1 to 7,
/// 12, 16.
std::vector<Configuration> default_configurations(std::size_t top_k);
/// {"configurations": [{"name", "role", "marking", "null", "policy": {...}, "tasks"}, ...]}: a
/// user's own list. A policy may also be a text, as parse_policy reads it; a file's path is
/// relative to the list's. A policy's own `table` is relative to the list's folder, and its runs
/// say that table's null.
Result<std::vector<Configuration>> read_configurations(const std::filesystem::path& path);
/// The same of a file's bytes; `path` is where they lie.
Result<std::vector<Configuration>> parse_configurations(std::string_view content,
                                                        const std::filesystem::path& path);
/// Errors: two configurations of one name; more than one baseline.
Result<void> check_configurations(const std::vector<Configuration>& list, const std::string& where);
std::string configurations_to_json(const std::vector<Configuration>& list);

/// Path and table by the name of its null.
using TablesByNull =
    std::map<std::string,
             std::pair<std::string, std::shared_ptr<const calibration::CalibrationTable>>>;

struct SweepOptions {
  std::filesystem::path directory;  ///< DIR/runs/<slug>.json, DIR/results.json, DIR/results.csv
  EvaluateOptions evaluate;
  std::string command;  ///< recorded in results.json, with the engine's threads and batch
  std::size_t threads = 0, batch = 0;  ///< 0 = not known
  std::size_t micro_batch = 0;         ///< 0 = not known
  int gpu_layers = 0;
  std::string model_path, text_path, text_sha256;
  TablesByNull tables;
  std::vector<Task> tasks;  ///< for the configurations that ask for them
  std::function<void(const RunResult& run, bool reused)>
      on_finished;  ///< may be empty; called when it is on disk
};

struct SweepOutcome {
  std::vector<RunResult> runs;
  std::vector<std::string> notes;  ///< configurations left out or refused, with the reason
  std::size_t num_reused = 0;      ///< found finished on disk
};

/// Runs the list in order, grouped by expert slots (one load per max_k), the baseline first. A
/// max_k above the model's number of experts is left out with a note; a configuration the engine
/// refuses likewise. A finished configuration found in the directory is reused only if model, text,
/// settings, policy and table agree by hash; otherwise it is run again.
Result<SweepOutcome> run_sweep(ModelRunner& model, const WindowedText& text,
                               const std::vector<Configuration>& configurations,
                               const SweepOptions& options, ProgressSink& progress);

}  // namespace bhroute::evaluation
