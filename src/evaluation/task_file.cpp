#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "bhroute/core/file.h"
#include "bhroute/core/file_limits.h"
#include "bhroute/core/json.h"
#include "bhroute/core/sha256.h"
#include "bhroute/evaluation/task.h"

namespace bhroute::evaluation {
namespace {

using nlohmann::json;

constexpr std::size_t kNumEndings = 4;

Result<std::string> text_at(const json& object, const char* key, const std::string& where) {
  const auto found = object.find(key);
  if (found == object.end())
    return invalid_input(where, fmt::format("the key '{}' is missing", key));
  if (!found->is_string())
    return invalid_input(where, fmt::format("the key '{}' has the wrong type", key),
                         found->type_name(), "a string");
  return found->get<std::string>();
}

Result<TaskItem> read_passage(const json& object, const std::string& where) {
  auto text = text_at(object, "text", where);
  if (!text) return tl::make_unexpected(text.error());
  const std::size_t end = text->find_last_not_of(" \n\t");
  const std::size_t blank = text->rfind(' ', end);
  if (end == std::string::npos || blank == std::string::npos || blank == 0)
    return invalid_input(where, "the text has no last word after a blank");
  return TaskItem{text->substr(0, blank), {text->substr(blank, end + 1 - blank)}, 0};
}

Result<std::string> context_of(const json& object, const std::string& where) {
  if (object.contains("ctx")) return text_at(object, "ctx", where);
  auto first = text_at(object, "ctx_a", where);
  if (!first || !object.contains("ctx_b")) return first;
  auto second = text_at(object, "ctx_b", where);
  if (!second || second->empty()) return second ? first : second;
  return *first + " " + *second;
}

// Public files hold the label as a number, some as a string of it.
Result<std::size_t> label_of(const json& object, const std::string& where) {
  const json value = object.value("label", json());
  const std::string text = value.is_string() ? value.get<std::string>() : value.dump();
  if (text.size() == 1 && text[0] >= '0' && text[0] < '0' + static_cast<char>(kNumEndings))
    return static_cast<std::size_t>(text[0] - '0');
  return invalid_input(where, "the label is none of the endings", text, "0 to 3");
}

Result<TaskItem> read_endings(const json& object, const std::string& where) {
  auto context = context_of(object, where);
  if (!context) return tl::make_unexpected(context.error());
  if (context->empty()) return invalid_input(where, "the context is empty");
  const auto label = label_of(object, where);
  if (!label) return tl::make_unexpected(label.error());
  const json endings = object.value("endings", json());
  TaskItem item{std::move(*context), {}, *label};
  if (endings.is_array())
    for (const json& ending : endings)
      if (ending.is_string() && !ending.get<std::string>().empty())
        item.choices.push_back(fmt::format(" {}", ending.get<std::string>()));
  if (item.choices.size() != kNumEndings || endings.size() != kNumEndings)
    return invalid_input(where, "not a list of endings", endings.dump().substr(0, 60),
                         "4 strings, none empty");
  return item;
}

Result<TaskItem> read_item(TaskForm form, std::string_view line, const std::string& where) {
  const auto object = parse_json(line, where);
  if (!object) return tl::make_unexpected(object.error());
  if (!object->is_object()) return invalid_input(where, "not a JSON object", object->type_name());
  return form == TaskForm::lambada ? read_passage(*object, where) : read_endings(*object, where);
}

}  // namespace

std::string_view to_string(TaskForm form) noexcept {
  return form == TaskForm::lambada ? "lambada" : "hellaswag";
}

Result<TaskForm> parse_task_form(std::string_view text) {
  if (text == "lambada") return TaskForm::lambada;
  if (text == "hellaswag") return TaskForm::hellaswag;
  return invalid_input("task", "unknown form", fmt::format("'{}'", text), "lambada or hellaswag");
}

Result<Task> parse_task(TaskForm form, std::string_view content, const std::string& path) {
  Task task{form, path, sha256(content), {}};
  std::size_t begin = 0;
  for (std::size_t number = 1; begin < content.size(); ++number) {
    const std::size_t end = std::min(content.find('\n', begin), content.size());
    const std::string_view line = content.substr(begin, end - begin);
    begin = end + 1;
    if (line.find_first_not_of(" \r\t") == std::string_view::npos) continue;
    auto item = read_item(form, line, fmt::format("{}:{}", path, number));
    if (!item) return tl::make_unexpected(item.error());
    task.items.push_back(std::move(*item));
  }
  if (task.items.empty()) return invalid_input(path, "holds no item");
  return task;
}

Result<Task> read_task(TaskForm form, const std::filesystem::path& path) {
  return read_file(path, kMaxTaskBytes).and_then([&](const std::string& content) {
    return parse_task(form, content, path.string());
  });
}

}  // namespace bhroute::evaluation
