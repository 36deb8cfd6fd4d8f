#pragma once
// The flags of every command that runs a model on a text, and what they open.

#include <CLI/CLI.hpp>
#include <initializer_list>
#include <memory>
#include <string>

#include "bhroute/evaluation/evaluate.h"
#include "bhroute/evaluation/model_runner.h"
#include "bhroute/evaluation/scoring.h"
#include "bhroute/evaluation/task.h"

namespace bhroute::cli {

struct ModelFlags {
  std::string model, text;
  std::size_t window = 512, num_windows = 0, batch = 2048, micro_batch = 512;
  int threads = 0, gpu_layers = 0;
  std::string way = "auto";
  bool float_cache = false;  ///< of `calibrate` alone
};

/// `required`: whether the subcommand cannot run without -m and -f.
void add_model_flags(CLI::App& app, ModelFlags& flags, bool required = true);
/// Says in the help of `flags` that they are needed unless the flag `other` is given.
void mark_needed(CLI::App& app, std::initializer_list<const char*> flags, const std::string& other);
void add_way_flag(CLI::App& app, std::string& way);
void add_score_flag(CLI::App& app, std::string& score);

void add_task_flag(CLI::App& app, std::vector<std::string>& tasks);
/// Each "FORM:FILE". Errors: no such form or file, a file of another form.
Result<std::vector<evaluation::Task>> read_tasks(const std::vector<std::string>& tasks);

/// Errors: no model or text is named, a size is impossible.
Result<void> check_model_flags(const ModelFlags& flags);

/// A model and the text cut into windows for it.
struct Workload {
  std::unique_ptr<evaluation::ModelRunner> model;
  evaluation::WindowedText text;
  std::string text_sha256;  ///< of the whole file
};

/// Reads the text before it opens the model: a wrong file name must not cost a load.
Result<Workload> open_workload(const ModelFlags& flags);
/// The model's MoE layers, from its header alone; empty where that cannot be read (opening it will
/// say why).
std::vector<int> known_layers(const ModelFlags& flags);
/// `-t`, or the cores this process may use.
std::size_t num_threads(const ModelFlags& flags);
Result<evaluation::EvaluateOptions> evaluate_options(const ModelFlags& flags,
                                                     const std::string& score);
/// "olmoe-nano (olmoe, 4 MoE layers, top 8 of 64 experts)"
std::string describe(const evaluation::ModelDescription& model);

}  // namespace bhroute::cli
