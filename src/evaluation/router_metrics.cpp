#include "router_metrics.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "bhroute/stats/concentration.h"
#include "expert_counter.h"
#include "stopwatch.h"

namespace bhroute::evaluation {
namespace {

constexpr double kUndefined = std::numeric_limits<double>::quiet_NaN();

double ratio(double sum, std::size_t n) {
  return n == 0 ? kUndefined : sum / static_cast<double>(n);
}

// Mean over layers of a function of one.
template <class Function>
double layer_mean(const std::map<int, LayerResult>& layers, Function function) {
  double sum = 0.0;
  for (const auto& [index, layer] : layers) sum += function(layer);
  return ratio(sum, layers.size());
}

double used_share(const LayerResult& layer) {
  const auto used = std::ranges::count_if(layer.utilisation, [](auto count) { return count > 0; });
  return ratio(static_cast<double>(used), layer.utilisation.size());
}

double variance_of_means(const std::map<int, LayerResult>& layers) {
  const double centre = layer_mean(layers, [](const auto& layer) { return layer.experts.mean(); });
  return layer_mean(layers, [centre](const LayerResult& layer) {
    const double deviation = layer.experts.mean() - centre;
    return deviation * deviation;
  });
}

}  // namespace

void RouterMetrics::on_layer(int layer, LogitsView logits,
                             const routing::RoutingDecision* decision) {
  const Stopwatch watch(seconds_);
  counts_.clear();
  for (std::size_t t = 0; t < logits.num_tokens; ++t) {
    largest_logits(logits.token(t), std::max(own_k_, top_k_), top_);
    const auto selected = selected_of(decision, t);
    counts_.push_back(static_cast<double>(selected.size()));
    if (!top_.empty()) add_token(logits.token(t), selected);
  }
  correlate(layer);
}

std::span<const std::int32_t> RouterMetrics::selected_of(const routing::RoutingDecision* decision,
                                                         std::size_t token) {
  if (decision != nullptr && decision->num_selected[token] > 0)
    return {decision->expert_ids.data() + token * decision->max_k,
            static_cast<std::size_t>(decision->num_selected[token])};
  own_.clear();
  for (std::size_t i = 0; i < std::min(own_k_, top_.size()); ++i)
    own_.push_back(static_cast<std::int32_t>(top_[i]));
  return own_;
}

void RouterMetrics::add_token(std::span<const float> logits,
                              std::span<const std::int32_t> selected) {
  const float largest = logits[top_.front()];
  const auto weight = [&](std::size_t expert) {
    return std::exp(static_cast<double>(logits[expert]) - static_cast<double>(largest));
  };
  const auto own_end = top_.begin() + static_cast<std::ptrdiff_t>(std::min(top_k_, top_.size()));
  double own_mass = 0.0, mass = 0.0, shared = 0.0;
  for (auto expert = top_.begin(); expert != own_end; ++expert) own_mass += weight(*expert);
  for (const std::int32_t id : selected) {
    const auto expert = static_cast<std::size_t>(id);
    mass += weight(expert);
    shared += std::find(top_.begin(), own_end, expert) != own_end ? 1.0 : 0.0;
  }
  if (!std::isfinite(mass) || !std::isfinite(own_mass)) return;  // an infinite logit has no softmax
  mass_ += mass / own_mass;
  overlap_ += shared / static_cast<double>(own_end - top_.begin());
  ++num_tokens_;
}

// A micro-batch passes the layers in order, so the last call was of the same tokens' previous
// layer.
void RouterMetrics::correlate(int layer) {
  if (previous_layer_ < layer && previous_counts_.size() == counts_.size()) {
    stats::Correlation& pairs = neighbours_[layer];
    for (std::size_t t = 0; t < counts_.size(); ++t) pairs.add(previous_counts_[t], counts_[t]);
  }
  previous_layer_ = layer;
  previous_counts_ = counts_;
}

double RouterMetrics::top_k_overlap() const { return ratio(overlap_, num_tokens_); }

double RouterMetrics::retained_mass() const { return ratio(mass_, num_tokens_); }

double RouterMetrics::layer_consistency() const {
  double sum = 0.0;
  std::size_t defined = 0;
  for (const auto& [layer, pairs] : neighbours_)
    if (const auto r = pairs.r()) {
      sum += *r;
      ++defined;
    }
  return ratio(sum, defined);
}

void fill_derived_metrics(RunResult& result, std::size_t num_experts) {
  result.activation_ratio = ratio(result.mean_experts, num_experts);
  result.flops_reduction = 1.0 - result.relative_flops;
  result.adaptive_range =
      static_cast<double>(result.max_experts) - static_cast<double>(result.min_experts);
  result.expert_utilisation = layer_mean(result.layers, used_share);
  result.gini =
      layer_mean(result.layers, [](const auto& layer) { return stats::gini(layer.utilisation); });
  result.selection_entropy = layer_mean(
      result.layers, [](const auto& layer) { return stats::entropy(layer.utilisation); });
  result.layer_variance = variance_of_means(result.layers);
}

}  // namespace bhroute::evaluation
