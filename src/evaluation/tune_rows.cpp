#include "tune_rows.h"

#include <algorithm>

#include "bhroute/stats/descriptive.h"
#include "bhroute/stats/log_sum_exp.h"

namespace bhroute::evaluation {

void LogitRows::on_layer(int layer, LogitsView logits, const routing::RoutingDecision*) {
  num_experts_ = logits.num_experts;
  auto& rows = rows_[layer];
  for (std::size_t t = 0; t < logits.num_tokens; ++t) {
    const auto row = logits.token(t);
    rows.insert(rows.end(), row.begin(), row.end());
  }
}

LogitsView LogitRows::all(int layer) const {
  return {rows_.at(layer).data(), num_rows(layer), num_experts_, num_experts_};
}

LogitsView LogitRows::spread(int layer, std::size_t most) const {
  const std::size_t step =
      std::max<std::size_t>(1, num_rows(layer) / std::max<std::size_t>(most, 1));
  return {rows_.at(layer).data(), (num_rows(layer) + step - 1) / step, num_experts_,
          step * num_experts_};
}

std::vector<double> largest_log_probs(std::span<const float> logits, std::size_t count) {
  std::vector<double> sorted(logits.begin(), logits.end());
  std::sort(sorted.begin(), sorted.end(), std::greater<>{});
  const double log_sum = stats::log_sum_exp(logits).value();
  sorted.resize(std::min(count, sorted.size()));
  for (double& value : sorted) value -= log_sum;
  return sorted;
}

std::vector<double> log_probs_at(LogitsView rows, std::size_t rank) {
  std::vector<double> values;
  for (std::size_t t = 0; t < rows.num_tokens; ++t)
    values.push_back(largest_log_probs(rows.token(t), rank).back());
  return values;
}

double quantile_of(std::vector<double> values, double share) {
  std::sort(values.begin(), values.end());
  return stats::quantile(values, share);
}

}  // namespace bhroute::evaluation
