#pragma once
// A candidate on its way through the rounds.

#include <optional>
#include <span>
#include <vector>

#include "bhroute/evaluation/paired_interval.h"
#include "tune_fit.h"

namespace bhroute::evaluation {

struct Entry {
  Candidate candidate;
  Fit::Solved solved;
  std::vector<float> losses;  ///< of the held-back windows run so far, in order
  double sum_of_means = 0.0;  ///< over those windows
  std::size_t num_windows = 0;
  int stage = 0;  ///< 1 screen, 2 second, 3 final
  bool is_out = false;

  double mean_experts() const { return sum_of_means / static_cast<double>(num_windows); }
  double loss() const;
};

/// `text`'s windows [first, first + count), with the token that follows them.
WindowedText part_of(const WindowedText& text, std::size_t first, std::size_t count);

/// The fixed counts' losses on the first windows: what entries are compared with.
class StaticCurve {
 public:
  /// Of the entries that are fixed counts and have run `num_windows` windows.
  StaticCurve(std::span<const Entry> entries, std::size_t num_windows, std::size_t num_tokens,
              std::size_t own_top_k);
  /// Mean difference of an entry's losses to the curve of `weights` at the entry's mean; nothing
  /// where the curve does not reach.
  std::optional<double> difference(const Entry& entry, routing::WeightRule weights) const;
  /// The same with its interval over windows.
  std::optional<stats::Interval> interval(const Entry& entry, routing::WeightRule weights,
                                          std::span<const std::size_t> blocks) const;

 private:
  std::vector<RunResult> runs_;
  StaticLosses losses_;
};

}  // namespace bhroute::evaluation
