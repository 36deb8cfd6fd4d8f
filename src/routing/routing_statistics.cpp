#include "bhroute/routing/routing_statistics.h"

#include <algorithm>
#include <cmath>
#include <span>

namespace bhroute::routing {
namespace {

std::size_t count_of(const RoutingDecision& decision, std::size_t t) {
  return static_cast<std::size_t>(decision.num_selected[t]);
}

std::span<const std::int32_t> ids_of(const RoutingDecision& decision, std::size_t t) {
  return std::span(decision.expert_ids).subspan(t * decision.max_k, count_of(decision, t));
}

/// -sum w log w in nats of one token's weights scaled to sum 1; 0 where they sum to nothing.
double weight_entropy(std::span<const float> weights) {
  double sum = 0.0;
  for (float w : weights) sum += w;
  double entropy = 0.0;
  for (float w : weights) {
    const double share = w / sum;
    if (share > 0.0) entropy -= share * std::log(share);
  }
  return entropy;
}

/// Experts of token t that both select.
std::size_t overlap(const RoutingDecision& a, const RoutingDecision& b, std::size_t t) {
  const auto other = ids_of(b, t);
  const auto mine = ids_of(a, t);
  return static_cast<std::size_t>(std::count_if(mine.begin(), mine.end(), [&](std::int32_t id) {
    return std::find(other.begin(), other.end(), id) != other.end();
  }));
}

void compare_rows(const RoutingDecision& bh, const RoutingDecision& top_k,
                  TopKComparison& comparison) {
  for (std::size_t t = 0; t < bh.num_tokens; ++t) {
    const auto both = static_cast<double>(overlap(bh, top_k, t));
    const auto fixed = static_cast<double>(count_of(top_k, t));
    const double either = static_cast<double>(count_of(bh, t)) + fixed - both;
    comparison.mean_overlap += both / fixed;
    comparison.mean_jaccard += both / either;
  }
  const auto tokens = static_cast<double>(std::max<std::size_t>(bh.num_tokens, 1));
  comparison.mean_overlap /= tokens;
  comparison.mean_jaccard /= tokens;
}

}  // namespace

RoutingStatistics compute_routing_statistics(const RoutingDecision& decision, std::size_t min_k,
                                             std::size_t max_k) {
  RoutingStatistics s;
  s.num_tokens = decision.num_tokens;
  if (s.num_tokens == 0) return s;
  s.min_experts = decision.num_experts;
  double sum_squares = 0.0;
  for (std::size_t t = 0; t < s.num_tokens; ++t) {
    const std::size_t count = count_of(decision, t);
    s.mean_experts += static_cast<double>(count);
    sum_squares += static_cast<double>(count * count);
    s.min_experts = std::min(s.min_experts, count);
    s.max_experts = std::max(s.max_experts, count);
    s.floor_share += count == min_k ? 1.0 : 0.0;
    s.ceiling_share += count == max_k ? 1.0 : 0.0;
    s.weight_entropy +=
        weight_entropy(std::span(decision.routing_weights).subspan(t * decision.max_k, count));
  }
  const auto tokens = static_cast<double>(s.num_tokens);
  for (double* mean :
       {&s.mean_experts, &sum_squares, &s.floor_share, &s.ceiling_share, &s.weight_entropy})
    *mean /= tokens;
  s.sd_experts = std::sqrt(std::max(0.0, sum_squares - s.mean_experts * s.mean_experts));
  s.sparsity = 1.0 - s.mean_experts / static_cast<double>(decision.num_experts);
  return s;
}

Result<TopKComparison> compare_with_top_k(const Policy& bh, std::size_t k, LogitsView logits,
                                          int layer) {
  PolicySpec spec = bh.spec();
  spec.rule = Rule::top_k;
  spec.k = k;
  spec.layers.clear();
  const auto fixed = make_policy(spec, bh.facts());
  if (!fixed) return tl::make_unexpected(fixed.error());
  RoutingDecision adaptive, top_k;
  if (auto ok = bh.route(logits, layer, {}, adaptive); !ok) return tl::make_unexpected(ok.error());
  if (auto ok = (*fixed)->route(logits, layer, {}, top_k); !ok)
    return tl::make_unexpected(ok.error());
  TopKComparison comparison;
  const CountBounds own = bh.spec().for_layer(layer).bounds();
  comparison.bh = compute_routing_statistics(adaptive, own.min_k, own.max_k);
  comparison.top_k = compute_routing_statistics(top_k, k, k);
  compare_rows(adaptive, top_k, comparison);
  comparison.experts_saved = 1.0 - comparison.bh.mean_experts / static_cast<double>(k);
  return comparison;
}

}  // namespace bhroute::routing
