#include "bhroute/evaluation/task.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "bhroute/evaluation/token_scores.h"
#include "bhroute/stats/wilson.h"
#include "decode_text.h"

namespace bhroute::evaluation {
namespace {

// A context with one of its continuations, as tokens.
struct Sequence {
  std::size_t item = 0, choice = 0;
  std::vector<Token> tokens;
  std::size_t first = 0;  // of the continuation
  // What came out.
  double log_prob = 0.0;
  bool greedy = true;  // every token was the most likely one
};

// Scores the continuations of sequences of one length that are decoded side by side.
class ContinuationScorer final : public LogitsConsumer {
 public:
  ContinuationScorer(std::span<Sequence* const> sequences, std::size_t vocab_size)
      : sequences_(sequences), vocab_size_(vocab_size) {}

  void on_logits(std::size_t window, std::size_t first_position, std::size_t num_positions,
                 const float* logits) override {
    Sequence& sequence = *sequences_[window];
    for (std::size_t i = 0; i < num_positions; ++i) {
      const std::size_t next = first_position + i + 1;
      if (next < sequence.first || next >= sequence.tokens.size()) continue;
      const std::span<const float> row(logits + i * vocab_size_, vocab_size_);
      const RowSummary summary = summarize_row(row);
      const auto token = static_cast<std::size_t>(sequence.tokens[next]);
      sequence.log_prob -= token_loss(row, summary, token);
      sequence.greedy = sequence.greedy && summary.argmax == token;
    }
  }

 private:
  std::span<Sequence* const> sequences_;
  std::size_t vocab_size_;
};

// The whole is tokenized at once; the continuation begins where the context's own tokens end.
Result<Sequence> make_sequence(ModelRunner& model, const TaskItem& item, std::size_t choice,
                               std::size_t window, const std::string& where) {
  auto context = model.tokenize(item.context);
  if (!context) return tl::make_unexpected(context.error());
  auto whole = model.tokenize(item.context + item.choices[choice]);
  if (!whole) return tl::make_unexpected(whole.error());
  const std::size_t length = whole->size() - std::min(context->size(), whole->size());
  if (length == 0 || length >= window || context->empty())
    return invalid_input(where, "no room for context and continuation",
                         fmt::format("{} and {} tokens", context->size(), length),
                         fmt::format("1 or more each, {} together", window));
  Sequence sequence;
  sequence.choice = choice;
  sequence.tokens = std::move(*whole);
  if (sequence.tokens.size() > window)
    sequence.tokens.erase(sequence.tokens.begin(),
                          sequence.tokens.end() - static_cast<std::ptrdiff_t>(window));
  sequence.first = sequence.tokens.size() - length;
  return sequence;
}

Result<std::vector<Sequence>> make_sequences(ModelRunner& model, const Task& task,
                                             std::size_t window) {
  std::vector<Sequence> sequences;
  for (std::size_t i = 0; i < task.items.size(); ++i)
    for (std::size_t choice = 0; choice < task.items[i].choices.size(); ++choice) {
      auto sequence = make_sequence(model, task.items[i], choice, window,
                                    fmt::format("{}: item {}", task.path, i + 1));
      if (!sequence) return tl::make_unexpected(sequence.error());
      sequence->item = i;
      sequences.push_back(std::move(*sequence));
    }
  return sequences;
}

// By length, so that neighbours can be decoded side by side without padding, which would be routed
// too.
std::vector<Sequence*> by_length(std::vector<Sequence>& sequences) {
  std::vector<Sequence*> sorted;
  for (Sequence& sequence : sequences) sorted.push_back(&sequence);
  std::ranges::stable_sort(sorted, {}, [](const Sequence* s) { return s->tokens.size(); });
  return sorted;
}

std::size_t group_end(const std::vector<Sequence*>& sorted, std::size_t begin, std::size_t most) {
  std::size_t end = begin + 1;
  while (end < sorted.size() && end - begin < most &&
         sorted[end]->tokens.size() == sorted[begin]->tokens.size())
    ++end;
  return end;
}

Result<void> decode_group(ModelRunner& model, std::span<Sequence* const> group) {
  std::vector<std::span<const Token>> windows;
  std::size_t first = group.front()->first;
  for (const Sequence* sequence : group) {
    windows.emplace_back(sequence->tokens);
    first = std::min(first, sequence->first);
  }
  ContinuationScorer scorer(group, model.description().vocab_size);
  return model.decode(windows, first - 1, &scorer);
}

// The choice of the best log-probability per byte of its text, the first of equals.
std::size_t best_choice(const TaskItem& item, std::span<const Sequence> sequences) {
  const auto per_byte = [&](const Sequence& sequence) {
    return sequence.log_prob / static_cast<double>(item.choices[sequence.choice].size() - 1);
  };
  return std::ranges::max_element(sequences, {}, per_byte)->choice;
}

std::size_t count_right(const Task& task, std::span<const Sequence> sequences) {
  if (task.form == TaskForm::lambada)
    return static_cast<std::size_t>(std::ranges::count(sequences, true, &Sequence::greedy));
  std::size_t right = 0, begin = 0;
  for (const TaskItem& item : task.items) {
    const std::size_t count = item.choices.size();
    right += best_choice(item, sequences.subspan(begin, count)) == item.label ? 1 : 0;
    begin += count;
  }
  return right;
}

}  // namespace

Result<TaskScore> evaluate_task(ModelRunner& model, const Task& task, const routing::Policy* policy,
                                std::size_t window, ProgressSink& progress) {
  auto sequences = make_sequences(model, task, window);
  if (!sequences) return tl::make_unexpected(sequences.error());
  auto scope = RoutingScope::enter(model, policy, nullptr);
  if (!scope) return tl::make_unexpected(scope.error());
  const std::vector<Sequence*> sorted = by_length(*sequences);
  for (std::size_t begin = 0; begin < sorted.size();) {
    progress.update(to_string(task.form), begin, sorted.size(), "sequences");
    const std::size_t end =
        group_end(sorted, begin, std::max<std::size_t>(model.windows_per_batch(), 1));
    if (auto done = decode_group(model, std::span(sorted).subspan(begin, end - begin)); !done)
      return tl::make_unexpected(done.error());
    begin = end;
  }
  progress.update(to_string(task.form), sorted.size(), sorted.size(), "sequences");
  const std::size_t right = count_right(task, *sequences);
  const stats::Interval share = stats::wilson_interval(right, task.items.size());
  return TaskScore{std::string(to_string(task.form)),
                   task.path,
                   task.sha256,
                   task.items.size(),
                   right,
                   share.estimate,
                   share.low,
                   share.high};
}

}  // namespace bhroute::evaluation
