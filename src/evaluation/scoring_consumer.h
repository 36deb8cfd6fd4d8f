#pragma once
// Scores output logits as they come out of the model.

#include <cstdint>
#include <vector>

#include "bhroute/evaluation/evaluate.h"

namespace bhroute::evaluation {

/// Scores of every scored position, in order of windows and positions.
struct RowScores {
  std::vector<double> losses;             ///< nats
  std::vector<double> kl;                 ///< nats; empty without own logits
  std::vector<std::uint8_t> top1_agrees;  ///< empty without own logits
};

/// Window indices are the text's. Rows that are not scored are ignored.
class ScoringConsumer final : public LogitsConsumer {
 public:
  ScoringConsumer(const WindowedText& text, Score score, const OwnLogits* own,
                  std::size_t vocab_size, std::size_t num_threads);
  void on_logits(std::size_t window, std::size_t first_position, std::size_t num_positions,
                 const float* logits) override;
  const RowScores& scores() const noexcept { return scores_; }
  std::size_t num_rows() const noexcept { return num_rows_; }  ///< scored so far
  double seconds() const noexcept { return seconds_; }         ///< spent here

 private:
  void score_row(std::span<const float> logits, std::size_t window, std::size_t position);

  const WindowedText& text_;
  Score score_;
  const OwnLogits* own_;
  std::size_t vocab_size_, num_threads_, num_rows_ = 0;
  double seconds_ = 0.0;
  std::vector<std::size_t> offsets_;  // scored positions before each window
  RowScores scores_;
};

/// Index of each window's first scored position among all scored positions.
std::vector<std::size_t> scored_offsets(const WindowedText& text, Score score);

/// The scored ones among [first_position, first_position + num_positions) of window `w`.
ScoredSpan scored_part(const WindowedText& text, Score score, std::size_t w,
                       std::size_t first_position, std::size_t num_positions) noexcept;

}  // namespace bhroute::evaluation
