#include "expert_counter.h"

#include <algorithm>

#include "stopwatch.h"

namespace bhroute::evaluation {

ExpertCounter::ExpertCounter(std::size_t num_experts, std::size_t own_k)
    : num_experts_(num_experts), own_k_(std::min(own_k, num_experts)) {}

void ExpertCounter::on_layer(int layer, LogitsView logits,
                             const routing::RoutingDecision* decision) {
  const Stopwatch watch(seconds_);
  LayerResult& result = layers_[layer];
  result.experts.histogram.resize(num_experts_ + 1);
  result.utilisation.resize(num_experts_);
  if (decision != nullptr)
    count_decision(result, *decision);
  else
    count_own(result, logits);
}

void ExpertCounter::count_decision(LayerResult& layer, const routing::RoutingDecision& decision) {
  for (std::size_t t = 0; t < decision.num_tokens; ++t) {
    const auto selected = static_cast<std::size_t>(decision.num_selected[t]);
    ++layer.experts.histogram[selected];
    for (std::size_t i = 0; i < selected; ++i)
      ++layer.utilisation[static_cast<std::size_t>(decision.expert_ids[t * decision.max_k + i])];
  }
  // An engine gives a token of NaNs to its own top_k.
  const std::size_t unroutable = decision.unroutable_tokens.size();
  layer.experts.histogram[0] -= unroutable;
  layer.experts.histogram[own_k_] += unroutable;
  num_unroutable_ += unroutable;
  num_nan_logits_ += decision.num_nan_logits;
}

void ExpertCounter::count_own(LayerResult& layer, LogitsView logits) {
  layer.experts.histogram[own_k_] += logits.num_tokens;
  for (std::size_t t = 0; t < logits.num_tokens; ++t) {
    num_nan_logits_ += largest_logits(logits.token(t), own_k_, top_);
    for (std::size_t expert : top_) ++layer.utilisation[expert];
    if (top_.empty()) ++num_unroutable_;
  }
}

std::size_t largest_logits(std::span<const float> logits, std::size_t k,
                           std::vector<std::size_t>& indices) {
  indices.clear();
  std::size_t num_nan = 0;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    const float logit = logits[i];
    if (logit != logit) {
      ++num_nan;
      continue;
    }
    if (indices.size() == k && (k == 0 || !(logit > logits[indices.back()]))) continue;
    if (indices.size() == k) indices.pop_back();
    auto place = indices.end();
    while (place != indices.begin() && logit > logits[*(place - 1)]) --place;
    indices.insert(place, i);
  }
  return num_nan;
}

ExpertCounts pooled_counts(const std::map<int, LayerResult>& layers) {
  ExpertCounts pooled;
  for (const auto& [index, layer] : layers) {
    const auto& histogram = layer.experts.histogram;
    pooled.histogram.resize(std::max(pooled.histogram.size(), histogram.size()));
    for (std::size_t k = 0; k < histogram.size(); ++k) pooled.histogram[k] += histogram[k];
  }
  return pooled;
}

}  // namespace bhroute::evaluation
