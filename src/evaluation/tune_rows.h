#pragma once
// Router logits of a stretch of text, in order of its positions.

#include <map>
#include <vector>

#include "bhroute/evaluation/model_runner.h"

namespace bhroute::evaluation {

class LogitRows final : public RouterObserver {
 public:
  void on_layer(int layer, LogitsView logits, const routing::RoutingDecision* decision) override;
  const std::map<int, std::vector<float>>& layers() const noexcept { return rows_; }
  std::size_t num_experts() const noexcept { return num_experts_; }
  std::size_t num_rows(int layer) const { return rows_.at(layer).size() / num_experts_; }
  /// All rows of a layer.
  LogitsView all(int layer) const;
  /// At most about `most` of them, evenly spread.
  LogitsView spread(int layer, std::size_t most) const;

 private:
  std::map<int, std::vector<float>> rows_;
  std::size_t num_experts_ = 0;
};

/// log softmax of the `count` largest logits of a row, largest first.
std::vector<double> largest_log_probs(std::span<const float> logits, std::size_t count);
/// Of each row, that of the expert of this rank, 1 = the largest.
std::vector<double> log_probs_at(LogitsView rows, std::size_t rank);
/// stats::quantile of values in any order; at least one value.
double quantile_of(std::vector<double> values, double share);

}  // namespace bhroute::evaluation
