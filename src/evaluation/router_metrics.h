#pragma once
// What a policy's choices look like beside the model's own: docs/metrics.md has the formulas.

#include <map>
#include <optional>
#include <span>
#include <vector>

#include "bhroute/evaluation/model_runner.h"
#include "bhroute/evaluation/run_result.h"
#include "bhroute/stats/correlation.h"

namespace bhroute::evaluation {

/// Watches a run. Tokens of NaNs alone are left out.
class RouterMetrics final : public RouterObserver {
 public:
  /// `own_k` = how many experts the model takes while it routes by itself, `top_k` = what it was
  /// trained with.
  RouterMetrics(std::size_t own_k, std::size_t top_k) : own_k_(own_k), top_k_(top_k) {}
  void on_layer(int layer, LogitsView logits, const routing::RoutingDecision* decision) override;

  /// Mean |selected and top_k| / top_k; NaN where no token was seen.
  double top_k_overlap() const;
  /// Mean router mass of the selected experts over that of the top_k's.
  double retained_mass() const;
  /// Mean over neighbouring layers of the correlation of a token's counts; NaN where no count
  /// varies.
  double layer_consistency() const;
  double seconds() const noexcept { return seconds_; }  ///< spent here

 private:
  void add_token(std::span<const float> logits, std::span<const std::int32_t> selected);
  std::span<const std::int32_t> selected_of(const routing::RoutingDecision* decision,
                                            std::size_t token);
  void correlate(int layer);

  std::size_t own_k_, top_k_;
  double overlap_ = 0.0, mass_ = 0.0, seconds_ = 0.0;
  std::size_t num_tokens_ = 0;
  int previous_layer_ = -1;
  std::vector<double> counts_, previous_counts_;
  std::map<int, stats::Correlation> neighbours_;  // by the later layer
  std::vector<std::size_t> top_;                  // scratch
  std::vector<std::int32_t> own_;                 // scratch
};

/// Expert activation ratio, FLOPs reduction, utilisation, Gini, adaptive range, selection entropy
/// and variance between layers, from what the result already holds.
void fill_derived_metrics(RunResult& result, std::size_t num_experts);

}  // namespace bhroute::evaluation
