#pragma once
// What every policy does before and after it routes.

#include "bhroute/kernels/routing_kernels.h"
#include "bhroute/routing/policy.h"

namespace bhroute::routing {

/// What the selected weights are scaled to by a weight rule on a model.
kernels::WeightScale weight_scale(WeightRule rule, const RouterFacts& facts) noexcept;

/// Checks the view against the facts and sizes the decision's rows of `max_k` slots; earlier
/// results are gone.
Result<void> begin_decision(LogitsView logits, const RouterFacts& facts, std::size_t max_k,
                            RoutingDecision& decision);

/// The kernels' view of a call; `statistic` null = the logits themselves.
kernels::RouteInputs kernel_inputs(LogitsView logits, const float* statistic,
                                   const PolicySpec& spec, const RouterFacts& facts) noexcept;
kernels::RouteOutputs kernel_outputs(RoutingDecision& decision) noexcept;

/// Counts NaNs, lists or refuses tokens with nothing to select, makes the dense weights on request.
Result<void> finish_decision(LogitsView logits, const RouteRequest& request,
                             RoutingDecision& decision);

/// [num_tokens, num_experts], 1 = selected.
std::vector<std::uint8_t> selected_mask(const RoutingDecision& decision);

}  // namespace bhroute::routing
