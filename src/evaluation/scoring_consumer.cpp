#include "scoring_consumer.h"

#include <algorithm>

#include "parallel_rows.h"
#include "stopwatch.h"

namespace bhroute::evaluation {

std::vector<std::size_t> scored_offsets(const WindowedText& text, Score score) {
  std::vector<std::size_t> offsets(text.num_windows, 0);
  for (std::size_t w = 1; w < text.num_windows; ++w)
    offsets[w] = offsets[w - 1] + scored_span(text, score, w - 1).count;
  return offsets;
}

ScoredSpan scored_part(const WindowedText& text, Score score, std::size_t w,
                       std::size_t first_position, std::size_t num_positions) noexcept {
  const ScoredSpan span = scored_span(text, score, w);
  const std::size_t begin = std::max(span.first, first_position);
  const std::size_t end = std::min(span.first + span.count, first_position + num_positions);
  return {begin, end > begin ? end - begin : 0};
}

ScoringConsumer::ScoringConsumer(const WindowedText& text, Score score, const OwnLogits* own,
                                 std::size_t vocab_size, std::size_t num_threads)
    : text_(text),
      score_(score),
      own_(own),
      vocab_size_(vocab_size),
      num_threads_(num_threads),
      offsets_(scored_offsets(text, score)) {
  const std::size_t total = num_scored(text, score);
  scores_.losses.resize(total);
  if (own == nullptr) return;
  scores_.kl.resize(total);
  scores_.top1_agrees.resize(total);
}

void ScoringConsumer::on_logits(std::size_t window, std::size_t first_position,
                                std::size_t num_positions, const float* logits) {
  const Stopwatch watch(seconds_);
  const ScoredSpan part = scored_part(text_, score_, window, first_position, num_positions);
  parallel_rows(part.count, num_threads_, rows_worth_a_thread(vocab_size_),
                [&](std::size_t begin, std::size_t end) {
                  for (std::size_t i = begin; i < end; ++i) {
                    const std::size_t position = part.first + i;
                    const float* row = logits + (position - first_position) * vocab_size_;
                    score_row({row, vocab_size_}, window, position);
                  }
                });
  num_rows_ += part.count;
}

void ScoringConsumer::score_row(std::span<const float> logits, std::size_t window,
                                std::size_t position) {
  const std::size_t index = offsets_[window] + position - scored_span(text_, score_, window).first;
  const auto next = static_cast<std::size_t>(text_.tokens[window * text_.window + position + 1]);
  const RowSummary summary = summarize_row(logits);
  scores_.losses[index] = token_loss(logits, summary, next);
  if (own_ == nullptr) return;
  const RowSummary own_summary = own_->summary(index);
  scores_.kl[index] = kl_divergence(own_->row(index), own_summary, logits, summary);
  scores_.top1_agrees[index] = own_summary.argmax == summary.argmax ? 1 : 0;
}

}  // namespace bhroute::evaluation
