// Task files (JSON Lines), in both forms.

#include "bhroute/evaluation/task.h"
#include "fuzz/finding.h"
#include "fuzz/target.h"

namespace bhroute::fuzz {
namespace {

bool is_task(evaluation::TaskForm form, std::string_view bytes) {
  const auto task = evaluation::parse_task(form, bytes, "fuzz.jsonl");
  if (!task) return false;
  for (const auto& item : task->items) {
    require(item.label < item.choices.size(), "a label that names no choice");
    require(!item.context.empty(), "an empty context");
    for (const std::string& choice : item.choices) require(choice.size() > 1, "an empty choice");
  }
  return true;
}

}  // namespace

bool accepts(std::string_view bytes) {
  const bool passages = is_task(evaluation::TaskForm::lambada, bytes);
  return is_task(evaluation::TaskForm::hellaswag, bytes) || passages;
}

}  // namespace bhroute::fuzz
