#include "ggml/routing_weights.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace bhroute::ggml {
namespace {

using routing::PolicySpec;
using routing::WeightRule;

bool is_native(const PolicySpec& spec) {
  return spec.weights == WeightRule::native && spec.temperature == 1.0;
}

// The policy computes a softmax of the logits and assumes that the largest are the best.
bool policy_weighs(const MoeBlock& block) {
  return block.softmax_gating && (block.scores == block.gates || block.scores == block.logits);
}

void gather_gates(const MoeBlock& block, Selection& selection) {
  selection.weights.resize(selection.num_pairs());
  for (std::size_t p = 0; p < selection.num_pairs(); ++p)
    selection.weights[p] = row_of<float>(
        block.gates, static_cast<std::size_t>(selection.tokens[p]))[selection.experts[p]];
}

// An expert that took the place of a tied one has that one's weight: the smallest of the selected.
float weight_of(std::int32_t expert, std::span<const std::int32_t> ids,
                std::span<const float> weights) {
  const auto place = std::find(ids.begin(), ids.end(), expert) - ids.begin();
  return weights[std::min(static_cast<std::size_t>(place), weights.size() - 1)];
}

void take_from_policy(const routing::RoutingDecision& decision, float scale, std::size_t token,
                      Selection& selection) {
  const auto selected = static_cast<std::size_t>(decision.num_selected[token]);
  const std::size_t row = token * decision.max_k;
  const std::span<const std::int32_t> ids(decision.expert_ids.data() + row, selected);
  const std::span<const float> weights(decision.routing_weights.data() + row, selected);
  for (std::size_t p = selection.first[token]; p < selection.first[token + 1]; ++p)
    selection.weights[p] = weight_of(selection.experts[p], ids, weights) * scale;
}

float own_mass(const MoeBlock& block, std::size_t token) {
  const auto order = row_of<std::int32_t>(block.sorted, token);
  const auto gates = row_of<float>(block.gates, token);
  return std::accumulate(order.begin(),
                         order.begin() + static_cast<std::ptrdiff_t>(block.num_summed), 0.0f,
                         [&](float sum, std::int32_t expert) { return sum + gates[expert]; });
}

void scale_gates(const MoeBlock& block, WeightRule rule, std::size_t token, Selection& selection) {
  const std::span<float> weights(selection.weights.data() + selection.first[token],
                                 selection.count(token));
  const float sum = std::accumulate(weights.begin(), weights.end(), 0.0f);
  if (!(sum > 0.0f)) return;
  const float mass = rule == WeightRule::mass ? own_mass(block, token) : 1.0f;
  for (float& weight : weights) weight *= mass / sum * block.chain.scale;
}

}  // namespace

const char* RoutingWeights::why_not(const MoeBlock& block, const PolicySpec& spec) {
  if (is_native(spec) || policy_weighs(block)) return "";
  if (spec.temperature != 1.0)
    return "a temperature other than 1 needs a router that ranks experts by a softmax";
  return "";
}

// [count, num_tokens] of gathered gates in place, as the graph does with num_slots = count.
ggml_status RoutingWeights::replay_group(const WeightsChain& chain, std::size_t count,
                                         std::size_t num_tokens, float* weights,
                                         InnerBackend& inner) {
  ggml_context* arena = inner.fresh_arena();
  sums_.resize(num_tokens);
  ggml_tensor* nodes[5];
  std::size_t num_nodes = 0;
  ggml_tensor* last = host.ggml_new_tensor_2d(arena, GGML_TYPE_F32, static_cast<int64_t>(count),
                                              static_cast<int64_t>(num_tokens));
  last->data = weights;
  const auto add = [&](ggml_tensor* node, float* data) {
    node->data = data;
    nodes[num_nodes++] = node;
    return node;
  };
  if (chain.softmax) last = add(host.ggml_soft_max(arena, last), weights);
  if (chain.normalizes) {
    ggml_tensor* sum = add(host.ggml_sum_rows(arena, last), sums_.data());
    sum = add(host.ggml_clamp(arena, sum, chain.smallest_sum, INFINITY), sums_.data());
    last = add(host.ggml_div(arena, last, sum), weights);
  }
  if (chain.scale != 1.0f) add(host.ggml_scale(arena, last, chain.scale), weights);
  return inner.compute_alone({nodes, num_nodes});
}

ggml_status RoutingWeights::replay_chain(const WeightsChain& chain, InnerBackend& inner,
                                         Selection& selection) {
  if (!chain.softmax && !chain.normalizes && chain.scale == 1.0f) return GGML_STATUS_SUCCESS;
  const std::size_t num_tokens = selection.num_tokens();
  if (const auto count = uniform_count(selection, 0, num_tokens))
    return *count == 0 ? GGML_STATUS_SUCCESS
                       : replay_group(chain, *count, num_tokens, selection.weights.data(), inner);
  counts_.clear();
  for (std::size_t t = 0; t < num_tokens; ++t) counts_.push_back(selection.count(t));
  std::sort(counts_.begin(), counts_.end());
  counts_.erase(std::unique(counts_.begin(), counts_.end()), counts_.end());
  for (std::size_t count : counts_) {
    if (count == 0) continue;
    group_.clear();
    group_tokens_.clear();
    for (std::size_t t = 0; t < num_tokens; ++t) {
      if (selection.count(t) != count) continue;
      const float* row = selection.weights.data() + selection.first[t];
      group_.insert(group_.end(), row, row + count);
      group_tokens_.push_back(t);
    }
    const ggml_status status =
        replay_group(chain, count, group_tokens_.size(), group_.data(), inner);
    if (status != GGML_STATUS_SUCCESS) return status;
    for (std::size_t i = 0; i < group_tokens_.size(); ++i)
      std::copy_n(group_.data() + i * count, count,
                  selection.weights.data() + selection.first[group_tokens_[i]]);
  }
  return GGML_STATUS_SUCCESS;
}

ggml_status RoutingWeights::fill(const MoeBlock& block, const routing::Policy& policy,
                                 const routing::RoutingDecision& decision, InnerBackend& inner,
                                 Selection& selection) {
  gather_gates(block, selection);
  if (is_native(policy.spec())) return replay_chain(block.chain, inner, selection);
  for (std::size_t t = 0; t < selection.num_tokens(); ++t)
    if (policy_weighs(block) && decision.num_selected[t] > 0)
      take_from_policy(decision, block.chain.scale, t, selection);
    else
      scale_gates(block, policy.spec().weights, t, selection);
  return GGML_STATUS_SUCCESS;
}

}  // namespace bhroute::ggml
