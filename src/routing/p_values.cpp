#include "p_values.h"

#include <cmath>
#include <limits>

#include "bhroute/stats/clamp.h"
#include "bhroute/stats/empirical.h"

namespace bhroute::routing {
namespace {

std::vector<double> from_table(LogitsView logits, const calibration::LayerNull& null,
                               calibration::Statistic kind) {
  std::vector<float> statistic;
  batch_statistic(kind, logits, statistic);
  std::vector<double> p(statistic.size());
  for (std::size_t i = 0; i < p.size(); ++i)
    p[i] = null.of_expert(i % logits.num_experts).p_value(statistic[i]);
  return p;
}

std::vector<double> from_ranks(LogitsView logits) {
  std::vector<double> values;
  values.reserve(logits.num_tokens * logits.num_experts);
  for (std::size_t t = 0; t < logits.num_tokens; ++t)
    for (float r : logits.token(t)) values.push_back(r);
  return stats::empirical_p_values(values, logits.num_tokens, logits.num_experts);
}

}  // namespace

void batch_statistic(calibration::Statistic statistic, LogitsView logits, std::vector<float>& out) {
  const std::size_t n = logits.num_experts;
  out.resize(logits.num_tokens * n);
  for (std::size_t t = 0; t < logits.num_tokens; ++t)
    calibration::compute_statistic(statistic, logits.token(t), std::span(out).subspan(t * n, n));
}

BatchPValues batch_p_values(LogitsView logits, int layer,
                            const calibration::CalibrationTable* table, bool clamp) {
  const calibration::LayerNull* null = table == nullptr ? nullptr : table->layer(layer);
  BatchPValues p{
      null == nullptr ? from_ranks(logits) : from_table(logits, *null, table->metadata.statistic),
      null != nullptr};
  for (std::size_t i = 0; i < p.values.size(); ++i) {
    const bool is_nan = std::isnan(logits.token(i / logits.num_experts)[i % logits.num_experts]);
    if (is_nan)
      p.values[i] = std::numeric_limits<double>::quiet_NaN();
    else if (clamp)
      p.values[i] = stats::clamp_p_value(p.values[i]);
  }
  return p;
}

}  // namespace bhroute::routing
