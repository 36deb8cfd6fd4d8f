#pragma once
// What sets two runs on the same tokens apart, with an interval; and the loss that a fixed number
// of experts would have at any mean.

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "bhroute/core/error.h"
#include "bhroute/evaluation/run_result.h"
#include "bhroute/evaluation/scoring.h"
#include "bhroute/stats/block_bootstrap.h"

namespace bhroute::evaluation {

/// Scored tokens of each window: the blocks of the bootstrap.
std::vector<std::size_t> window_blocks(const WindowedText& text, Score score);
/// The same from what a results file says. Errors: `num_tokens` is not what such windows have.
Result<std::vector<std::size_t>> window_blocks(std::size_t num_tokens, std::size_t window,
                                               std::size_t num_windows, Score score);

/// Mean of a[i] - b[i] in nats with its interval; nothing where there are fewer than two windows or
/// the lengths differ.
std::optional<stats::Interval> paired_interval(std::span<const float> a, std::span<const double> b,
                                               std::span<const std::size_t> blocks);

/// Token losses of fixed counts, and between them: at a mean of 4.3 each token's loss is 0.7 of its
/// loss at 4 and 0.3 of that at 5, as if the counts were drawn at random, 4 or 5, apart from the
/// token. One curve a weight rule.
class StaticLosses {
 public:
  /// Keeps every run of rule `top_k` at temperature 1. At the model's own top_k the rules `native`
  /// and `mass` are the same and such a run lies on both curves. The runs must outlive this.
  StaticLosses(std::span<const RunResult> runs, std::size_t own_top_k);

  struct Reference {
    std::vector<double> losses;  ///< nats, a token
    std::string name;            ///< "top_k weights=mass, k 4 and 5"
  };
  /// On the curve of `weights`, or of `native` where that has no points on both sides of the mean;
  /// nothing where neither has.
  std::optional<Reference> at(double mean_experts, routing::WeightRule weights) const;

 private:
  struct Point {
    std::size_t k;
    const std::vector<float>* losses;
  };
  using Curve = std::vector<Point>;  // by k
  static std::optional<Reference> between(const Curve& curve, double mean_experts);
  const Curve& curve(routing::WeightRule weights) const;
  Curve native_, renormalized_, mass_;
};

/// Fills loss_difference_low and _high against `baseline` (may be null) and static_difference and
/// its bounds in every run whose losses are there.
void fill_intervals(std::span<RunResult> runs, std::span<const std::size_t> blocks,
                    std::size_t own_top_k);

}  // namespace bhroute::evaluation
