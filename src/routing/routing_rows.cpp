#include "routing_rows.h"

#include <fmt/format.h>

#include <span>

namespace bhroute::routing {
namespace {

std::size_t count_nan(LogitsView logits) {
  std::size_t count = 0;
  for (std::size_t t = 0; t < logits.num_tokens; ++t)
    for (float r : logits.token(t)) count += r != r ? 1 : 0;
  return count;
}

/// Calls visit(t, slot, expert) for every selected expert.
template <class Visit>
void for_each_selected(const RoutingDecision& decision, Visit visit) {
  for (std::size_t t = 0; t < decision.num_tokens; ++t) {
    const std::size_t row = t * decision.max_k;
    for (std::size_t slot = row; slot < row + static_cast<std::size_t>(decision.num_selected[t]);
         ++slot)
      visit(t, slot, static_cast<std::size_t>(decision.expert_ids[slot]));
  }
}

Result<void> list_unroutable(const RouteRequest& request, RoutingDecision& decision) {
  for (std::size_t t = 0; t < decision.num_tokens; ++t) {
    if (decision.num_selected[t] > 0) continue;
    if (!request.allow_unroutable)
      return invalid_input("router_logits", "every logit of a token is NaN",
                           fmt::format("token {}", t), "a number");
    decision.unroutable_tokens.push_back(t);
  }
  return {};
}

}  // namespace

kernels::WeightScale weight_scale(WeightRule rule, const RouterFacts& facts) noexcept {
  if (rule == WeightRule::mass) return kernels::WeightScale::mass;
  const bool sums_to_one = rule == WeightRule::renormalized || facts.normalizes_weights;
  return sums_to_one ? kernels::WeightScale::one : kernels::WeightScale::none;
}

Result<void> begin_decision(LogitsView logits, const RouterFacts& facts, std::size_t max_k,
                            RoutingDecision& decision) {
  if (logits.num_experts != facts.num_experts)
    return invalid_input("router_logits", "wrong number of experts",
                         fmt::format("{}", logits.num_experts),
                         fmt::format("{}", facts.num_experts));
  if (logits.num_tokens > 1 && logits.token_stride < logits.num_experts)
    return invalid_input("router_logits", "rows overlap",
                         fmt::format("stride {}", logits.token_stride),
                         fmt::format("at least {}", logits.num_experts));
  decision.num_tokens = logits.num_tokens;
  decision.num_experts = logits.num_experts;
  decision.max_k = max_k;
  decision.expert_ids.resize(logits.num_tokens * max_k);
  decision.routing_weights.resize(logits.num_tokens * max_k);
  decision.num_selected.resize(logits.num_tokens);
  decision.dense_routing_weights.clear();
  decision.stats.reset();
  decision.num_nan_logits = 0;
  decision.unroutable_tokens.clear();
  return {};
}

kernels::RouteInputs kernel_inputs(LogitsView logits, const float* statistic,
                                   const PolicySpec& spec, const RouterFacts& facts) noexcept {
  return {.logits = logits.data,
          .statistic = statistic,
          .num_tokens = logits.num_tokens,
          .num_experts = logits.num_experts,
          .token_stride = logits.token_stride,
          .temperature = spec.temperature,
          .weight_scale = weight_scale(spec.weights, facts),
          .own_top_k = facts.top_k};
}

kernels::RouteOutputs kernel_outputs(RoutingDecision& decision) noexcept {
  return {decision.expert_ids.data(), decision.routing_weights.data(),
          decision.num_selected.data()};
}

Result<void> finish_decision(LogitsView logits, const RouteRequest& request,
                             RoutingDecision& decision) {
  decision.num_nan_logits = count_nan(logits);
  if (auto ok = list_unroutable(request, decision); !ok) return ok;
  if (!request.dense_weights) return {};
  decision.dense_routing_weights.assign(decision.num_tokens * decision.num_experts, 0.0f);
  for_each_selected(decision, [&](std::size_t t, std::size_t slot, std::size_t expert) {
    decision.dense_routing_weights[t * decision.num_experts + expert] =
        decision.routing_weights[slot];
  });
  return {};
}

std::vector<std::uint8_t> selected_mask(const RoutingDecision& decision) {
  std::vector<std::uint8_t> mask(decision.num_tokens * decision.num_experts, 0);
  for_each_selected(decision, [&](std::size_t t, std::size_t, std::size_t expert) {
    mask[t * decision.num_experts + expert] = 1;
  });
  return mask;
}

}  // namespace bhroute::routing
