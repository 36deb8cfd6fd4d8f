#include <gtest/gtest.h>

#include "bhroute/core/file.h"
#include "bhroute/evaluation/task.h"
#include "core/temporary_folder.h"

namespace bhroute::evaluation {
namespace {

class TaskFile : public ::testing::Test {
 protected:
  Result<Task> read(TaskForm form, const std::string& content) {
    EXPECT_TRUE(write_file(folder_ / "task.jsonl", content));
    return read_task(form, folder_ / "task.jsonl");
  }
  std::string problem(TaskForm form, const std::string& content) {
    auto task = read(form, content);
    return task ? "read" : task.error().what;
  }
  testing::TemporaryFolder folder_;
};

TEST_F(TaskFile, APassagesLastWord) {
  const auto task = read(TaskForm::lambada,
                         "{\"text\": \"my wife refused to allow me to come\"}\n\n"
                         "{\"text\": \"of the last word \", \"domain\": \"x\"}\n");
  ASSERT_TRUE(task) << to_string(task.error());
  ASSERT_EQ(task->items.size(), 2u);
  EXPECT_EQ(task->items[0].context, "my wife refused to allow me to");
  EXPECT_EQ(task->items[0].choices, std::vector<std::string>{" come"});
  EXPECT_EQ(task->items[1].choices, std::vector<std::string>{" word"});
  EXPECT_EQ(task->sha256.size(), 64u);
}

// The keys and the first item's form are those of the public hellaswag_val.jsonl.
TEST_F(TaskFile, FourEndings) {
  const auto task = read(
      TaskForm::hellaswag,
      R"({"ind": 24, "activity_label": "x", "ctx_a": "A man sits.", "ctx_b": "he", "ctx": "A man sits. he", "split": "val", "split_type": "indomain", "label": 3, "endings": ["a.", "b.", "c.", "d."], "source_id": "s"})"
      "\n"
      R"({"ctx_a": "A man sits.", "ctx_b": "he", "label": "1", "endings": ["a.", "b.", "c.", "d."]})");
  ASSERT_TRUE(task) << to_string(task.error());
  for (const TaskItem& item : task->items) {
    EXPECT_EQ(item.context, "A man sits. he");
    EXPECT_EQ(item.choices, (std::vector<std::string>{" a.", " b.", " c.", " d."}));
  }
  EXPECT_EQ(task->items[0].label, 3u);
  EXPECT_EQ(task->items[1].label, 1u);
}

// Copying and writing so deep a value overflowed the stack.
TEST_F(TaskFile, RefusesDeepNesting) {
  const std::string deep = std::string(1'000'000, '[') + std::string(1'000'000, ']');
  EXPECT_EQ(problem(TaskForm::hellaswag, "{\"ctx\": \"a\", \"label\": " + deep + "}"),
            "JSON nested too deep");
}

TEST_F(TaskFile, RefusesByLine) {
  EXPECT_EQ(problem(TaskForm::lambada, "\n"), "holds no item");
  EXPECT_EQ(problem(TaskForm::lambada, "{\"text\": 3}"), "the key 'text' has the wrong type");
  EXPECT_EQ(problem(TaskForm::lambada, "{\"text\": \"word\"}"),
            "the text has no last word after a blank");
  EXPECT_EQ(problem(TaskForm::lambada, "{\"ctx\": \"a b\"}"), "the key 'text' is missing");
  EXPECT_EQ(problem(TaskForm::hellaswag, "{\"text\": \"a b\"}"), "the key 'ctx_a' is missing");
  const std::string head = "{\"ctx\": \"a\", \"endings\": [\"a\", \"b\", \"c\", ";
  EXPECT_EQ(problem(TaskForm::hellaswag, head + "\"d\"], \"label\": 4}"),
            "the label is none of the endings");
  EXPECT_EQ(problem(TaskForm::hellaswag, head + "\"d\"]}"), "the label is none of the endings");
  EXPECT_EQ(problem(TaskForm::hellaswag, head + "\"\"], \"label\": 0}"), "not a list of endings");
  EXPECT_EQ(problem(TaskForm::hellaswag, head + "\"d\", \"e\"], \"label\": 0}"),
            "not a list of endings");
  auto second = read(TaskForm::lambada, "{\"text\": \"a b\"}\nnonsense\n");
  EXPECT_EQ(second.error().where, (folder_ / "task.jsonl:2").string());
  EXPECT_FALSE(read_task(TaskForm::lambada, "/no/such/file.jsonl"));
}

TEST(TaskForms, AreNamed) {
  EXPECT_EQ(*parse_task_form("hellaswag"), TaskForm::hellaswag);
  EXPECT_EQ(to_string(*parse_task_form("lambada")), "lambada");
  EXPECT_EQ(parse_task_form("arc").error().want, "lambada or hellaswag");
}

}  // namespace
}  // namespace bhroute::evaluation
