#pragma once
// Tasks with right answers, in the public files' form, scored by likelihood.

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "bhroute/core/progress.h"
#include "bhroute/evaluation/model_runner.h"
#include "bhroute/evaluation/run_result.h"

namespace bhroute::evaluation {

enum class TaskForm {
  lambada,   ///< {"text": "..."}: the last word (after the last blank) from all before it. Paperno
             ///< et al. 2016
  hellaswag  ///< {"ctx": "...", "endings": [4], "label": 0..3}: which ending follows. Zellers et
             ///< al. 2019
};
std::string_view to_string(TaskForm form) noexcept;
Result<TaskForm> parse_task_form(std::string_view text);

struct TaskItem {
  std::string context;
  std::vector<std::string>
      choices;  ///< one for lambada; each begins with the blank that parts it from the context
  std::size_t label = 0;  ///< the right choice
};

struct Task {
  TaskForm form = TaskForm::lambada;
  std::string path, sha256;  ///< of the file
  std::vector<TaskItem> items;
};

/// JSON Lines; keys that are not needed are ignored, empty lines skipped. hellaswag's `label` may
/// be a number or a string of it; without `ctx` the context is `ctx_a`, a blank, `ctx_b`. Errors
/// name `path` (the file) and line.
Result<Task> parse_task(TaskForm form, std::string_view content, const std::string& path);
Result<Task> read_task(TaskForm form, const std::filesystem::path& path);

/// Routes by `policy` (nullptr = the model's own routing); the runner must have slots for it.
/// lambada: right if every token of the word is the most likely one after the right tokens before
/// it. hellaswag: right if the ending's log-probability per byte of its text is the largest of the
/// four (the first of equals). A context too long for `window` loses its beginning. Errors: the
/// engine's; a choice that leaves no room.
Result<TaskScore> evaluate_task(ModelRunner& model, const Task& task, const routing::Policy* policy,
                                std::size_t window, ProgressSink& progress);

}  // namespace bhroute::evaluation
