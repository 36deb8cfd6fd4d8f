#include "llama/slot_selection.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "bhroute/routing/engine_order.h"

namespace bhroute::llama {
namespace {

using routing::RoutingDecision;
using routing::WeightRule;

bool is_native(const routing::PolicySpec& spec) {
  return spec.weights == WeightRule::native && spec.temperature == 1.0;
}

// A policy's weights are a softmax of the logits and take the largest logits for the best experts.
bool policy_weighs(const RouterNodes::Layer& layer) {
  return layer.gating != Gating::sigmoid && layer.ranks_by_logit;
}

std::span<const std::int32_t> selected_by(const RoutingDecision& decision, std::size_t token) {
  return {decision.expert_ids.data() + token * decision.max_k,
          static_cast<std::size_t>(decision.num_selected[token])};
}

// For an expert beyond the slots, whose gate the graph did not gather.
float gate_of(Gating gating, std::span<const float> logits, std::int32_t expert) {
  if (gating == Gating::sigmoid) return 1.0f / (1.0f + std::exp(-logits[expert]));
  if (gating == Gating::softmax_selected) return logits[expert];
  const float largest = *std::max_element(logits.begin(), logits.end());
  double sum = 0.0;
  for (float logit : logits) sum += std::exp(static_cast<double>(logit - largest));
  return static_cast<float>(std::exp(static_cast<double>(logits[expert] - largest)) / sum);
}

// An expert that took the place of a tied one has that one's weight: the smallest of the selected.
float weight_of(std::int32_t expert, std::span<const std::int32_t> ids, const float* weights) {
  const auto place =
      static_cast<std::size_t>(std::find(ids.begin(), ids.end(), expert) - ids.begin());
  return weights[std::min(place, ids.size() - 1)];
}

}  // namespace

std::optional<Error> cannot_route(int layer_index, const RouterNodes::Layer& layer,
                                  const routing::PolicySpec& spec) {
  const std::string where = fmt::format("layer {}", layer_index);
  if (layer.gating == Gating::unknown)
    return Error{ErrorKind::failure, where, "this architecture's router has an unknown form", "",
                 "softmax or sigmoid of the logits"};
  if (spec.temperature != 1.0 && !policy_weighs(layer))
    return Error{ErrorKind::invalid_input, where,
                 "a temperature needs a router that ranks experts by a softmax",
                 fmt::format("temperature={}", spec.temperature), "1"};
  return std::nullopt;
}

std::span<const std::int32_t> SlotSelection::experts(std::size_t token) const {
  return std::span(experts_).subspan(first_[token], first_[token + 1] - first_[token]);
}

std::span<const float> SlotSelection::weights(std::size_t token) const {
  return std::span(weights_).subspan(first_[token], first_[token + 1] - first_[token]);
}

void SlotSelection::choose_experts(const RouterNodes::Layer& layer, const RouterValues& values,
                                   const RoutingDecision& decision) {
  const std::size_t num_experts = values.logits.num_experts;
  const std::size_t rankable = num_experts * layer.groups_used / layer.num_groups;
  first_.assign(1, 0);
  experts_.resize(values.logits.num_tokens * num_experts);
  for (std::size_t t = 0; t < values.logits.num_tokens; ++t) {
    const auto order = values.order.subspan(t * num_experts, num_experts);
    const std::span<std::int32_t> room(experts_.data() + first_[t], num_experts);
    std::size_t count = std::min({values.num_slots, values.own_top_k, num_experts});
    if (decision.num_selected[t] >= 0)
      count = routing::follow_engine_order(values.logits.token(t), selected_by(decision, t),
                                           {order, rankable}, room);
    else
      std::copy_n(order.begin(), count, room.begin());
    first_.push_back(first_.back() + count);
  }
  experts_.resize(first_.back());
}

void SlotSelection::gather_gates(const RouterNodes::Layer& layer, const RouterValues& values) {
  weights_.resize(experts_.size());
  const std::size_t num_experts = values.logits.num_experts;
  for (std::size_t t = 0; t + 1 < first_.size(); ++t) {
    const auto order = values.order.subspan(t * num_experts, num_experts);
    std::size_t slot = 0;  // the experts are in the engine's order
    for (std::size_t i = first_[t]; i < first_[t + 1]; ++i, ++slot) {
      while (order[slot] != experts_[i]) ++slot;
      weights_[i] = slot < values.num_slots
                        ? values.gates[t * values.num_slots + slot]
                        : gate_of(layer.gating, values.logits.token(t), experts_[i]);
    }
  }
}

void SlotSelection::weigh_by_policy(const RouterNodes::Layer& layer, std::size_t token,
                                    const RoutingDecision& decision) {
  const float* weights = decision.routing_weights.data() + token * decision.max_k;
  for (std::size_t i = first_[token]; i < first_[token + 1]; ++i)
    weights_[i] = weight_of(experts_[i], selected_by(decision, token), weights) * layer.chain.scale;
}

void SlotSelection::scale_gates(const RouterNodes::Layer& layer, const RouterValues& values,
                                std::size_t token, WeightRule rule) {
  const std::span<float> weights(weights_.data() + first_[token],
                                 first_[token + 1] - first_[token]);
  const float sum = std::accumulate(weights.begin(), weights.end(), 0.0f);
  if (!(sum > 0.0f)) return;
  float mass = 1.0f;
  if (rule == WeightRule::mass) {
    mass = 0.0f;
    for (std::size_t i = 0; i < values.own_top_k; ++i)
      mass += gate_of(layer.gating, values.logits.token(token),
                      values.order[token * values.logits.num_experts + i]);
  }
  for (float& weight : weights) weight *= mass / sum * layer.chain.scale;
}

Result<void> SlotSelection::choose(const RouterNodes::Layer& layer, const RouterValues& values,
                                   const routing::Policy* policy, const RoutingDecision& decision) {
  choose_experts(layer, values, decision);
  gather_gates(layer, values);
  if (policy == nullptr || is_native(policy->spec()))
    return replay_.run_rows(layer.chain, first_, weights_);
  for (std::size_t t = 0; t < values.logits.num_tokens; ++t)
    if (policy_weighs(layer) && decision.num_selected[t] > 0)
      weigh_by_policy(layer, t, decision);
    else
      scale_gates(layer, values, t, policy->spec().weights);
  return {};
}

void SlotSelection::write_back(RoutingDecision& decision) const {
  for (std::size_t t = 0; t < decision.num_tokens; ++t) {
    if (decision.num_selected[t] < 0) continue;
    const auto row = static_cast<std::ptrdiff_t>(t * decision.max_k);
    const auto ids = decision.expert_ids.begin() + row;
    const auto kept_weights = decision.routing_weights.begin() + row;
    const auto width = static_cast<std::ptrdiff_t>(decision.max_k);
    std::fill(std::copy(experts(t).begin(), experts(t).end(), ids), ids + width, -1);
    std::fill(std::copy(weights(t).begin(), weights(t).end(), kept_weights), kept_weights + width,
              0.0f);
    decision.num_selected[t] = static_cast<std::int32_t>(experts(t).size());
  }
}

}  // namespace bhroute::llama
