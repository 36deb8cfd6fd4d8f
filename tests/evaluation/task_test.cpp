#include "bhroute/evaluation/task.h"

#include <gtest/gtest.h>

#include "bhroute/evaluation/token_scores.h"
#include "fake_model.h"

namespace bhroute::evaluation {
namespace {

Task task_of(TaskForm form, std::vector<TaskItem> items) {
  return {form, "task.jsonl", "hash", std::move(items)};
}

// Output rows of one text, by a plain run of its own.
class Rows final : public LogitsConsumer {
 public:
  Rows(FakeModel& model, const std::string& text) : tokens_(*model.tokenize(text)) {
    const std::span<const Token> window(tokens_);
    EXPECT_TRUE(model.decode({&window, 1}, 0, this));
  }
  void on_logits(std::size_t, std::size_t, std::size_t n, const float* logits) override {
    for (std::size_t i = 0; i < n; ++i)
      rows_.emplace_back(logits + i * FakeModel::kVocab, logits + (i + 1) * FakeModel::kVocab);
  }
  std::size_t likeliest_after(std::size_t position) const {
    return summarize_row(rows_[position]).argmax;
  }
  double log_prob(std::size_t first) const {
    double sum = 0.0;
    for (std::size_t p = first; p < tokens_.size(); ++p)
      sum -= token_loss(rows_[p - 1], summarize_row(rows_[p - 1]),
                        static_cast<std::size_t>(tokens_[p]));
    return sum;
  }

 private:
  std::vector<Token> tokens_;
  std::vector<std::vector<float>> rows_;
};

// The fake model's token is a character modulo its vocabulary.
std::string character_of(std::size_t token) {
  return std::string(1, static_cast<char>(FakeModel::kVocab * 9 + token));
}

TEST(EvaluateTask, AWordIsRightIfEveryTokenIsTheLikeliest) {
  FakeModel model;
  const std::string context = "abcdefg";
  const std::size_t likeliest = Rows(model, context).likeliest_after(context.size() - 1);
  const auto right = character_of(likeliest),
             wrong = character_of((likeliest + 1) % FakeModel::kVocab);
  const auto second = Rows(model, context + right).likeliest_after(context.size());
  const Task task = task_of(
      TaskForm::lambada, {{context, {right}, 0},
                          {context, {wrong}, 0},
                          {context, {right + character_of(second)}, 0},
                          {context, {right + character_of((second + 1) % FakeModel::kVocab)}, 0}});
  NoProgress progress;
  const auto score = evaluate_task(model, task, nullptr, 64, progress);
  ASSERT_TRUE(score) << to_string(score.error());
  EXPECT_EQ(score->num_items, 4u);
  EXPECT_EQ(score->num_correct, 2u);
  EXPECT_EQ(score->accuracy, 0.5);
  EXPECT_NEAR(score->accuracy_low, 0.15, 0.001);  // Wilson's for 2 of 4
  EXPECT_EQ(score->task, "lambada");
}

TEST(EvaluateTask, TheBestEndingPerByte) {
  FakeModel model;
  const std::string context = "passage of text";
  const std::vector<std::string> endings{" x", " longer", " mid", " an ending"};
  std::size_t best = 0, best_unnormalised = 0;
  std::vector<double> sums;
  for (const std::string& ending : endings)
    sums.push_back(Rows(model, context + ending).log_prob(context.size()));
  for (std::size_t i = 1; i < endings.size(); ++i) {
    if (sums[i] / double(endings[i].size() - 1) > sums[best] / double(endings[best].size() - 1))
      best = i;
    if (sums[i] > sums[best_unnormalised]) best_unnormalised = i;
  }
  ASSERT_NE(best, best_unnormalised) << "the endings must tell the two rules apart";
  NoProgress progress;
  for (std::size_t label = 0; label < endings.size(); ++label) {
    const auto score = evaluate_task(
        model, task_of(TaskForm::hellaswag, {{context, endings, label}}), nullptr, 64, progress);
    EXPECT_EQ(score->num_correct, label == best ? 1u : 0u) << label;
  }
}

TEST(EvaluateTask, ALongContextLosesItsBeginning) {
  FakeModel model;
  NoProgress progress;
  const std::string context(40, 'q');
  const Task task = task_of(TaskForm::lambada, {{context, {"z"}, 0}});
  EXPECT_TRUE(evaluate_task(model, task, nullptr, 16, progress));
  EXPECT_EQ(evaluate_task(model, task_of(TaskForm::lambada, {{"ab", {std::string(16, 'z')}, 0}}),
                          nullptr, 16, progress)
                .error()
                .what,
            "no room for context and continuation");
}

TEST(EvaluateTask, TheEnginesErrorsComeOut) {
  FakeModel model({.fail_at_decode = 0});
  NoProgress progress;
  EXPECT_FALSE(
      evaluate_task(model, task_of(TaskForm::lambada, {{"abc", {"d"}, 0}}), nullptr, 16, progress));
  EXPECT_EQ(model.policy(), nullptr);
}

}  // namespace
}  // namespace bhroute::evaluation
