#pragma once
// Counts how many experts each token takes, and which, in every layer.

#include <cstdint>
#include <map>
#include <vector>

#include "bhroute/evaluation/model_runner.h"
#include "bhroute/evaluation/run_result.h"

namespace bhroute::evaluation {

class ExpertCounter final : public RouterObserver {
 public:
  /// `own_k` = how many experts the model takes while it routes by itself.
  ExpertCounter(std::size_t num_experts, std::size_t own_k);
  void on_layer(int layer, LogitsView logits, const routing::RoutingDecision* decision) override;

  const std::map<int, LayerResult>& layers() const noexcept { return layers_; }
  std::size_t num_nan_logits() const noexcept { return num_nan_logits_; }
  std::size_t num_unroutable() const noexcept { return num_unroutable_; }
  double seconds() const noexcept { return seconds_; }  ///< spent here

 private:
  void count_decision(LayerResult& layer, const routing::RoutingDecision& decision);
  void count_own(LayerResult& layer, LogitsView logits);

  std::size_t num_experts_, own_k_;
  std::map<int, LayerResult> layers_;
  std::size_t num_nan_logits_ = 0, num_unroutable_ = 0;
  double seconds_ = 0.0;
  std::vector<std::size_t> top_;  // scratch
};

/// The k largest logits' indices, largest first, the lower index first among equals; NaNs never.
/// Returns the number of NaNs.
std::size_t largest_logits(std::span<const float> logits, std::size_t k,
                           std::vector<std::size_t>& indices);

/// All layers' tokens together.
ExpertCounts pooled_counts(const std::map<int, LayerResult>& layers);

}  // namespace bhroute::evaluation
