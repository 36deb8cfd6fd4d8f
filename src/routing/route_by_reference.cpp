#include "route_by_reference.h"

#include "routing_rows.h"

namespace bhroute::routing {

Result<void> route_by_reference(const Policy& reference, const PolicySpec& spec, LogitsView logits,
                                int layer, const RouteRequest& request, RoutingDecision& decision) {
  RouteRequest selection = request;
  selection.dense_weights = false;
  if (auto ok = reference.route(logits, layer, selection, decision); !ok) return ok;
  kernels::weigh_selected(kernel_inputs(logits, nullptr, spec, reference.facts()), decision.max_k,
                          kernel_outputs(decision));
  decision.unroutable_tokens.clear();
  return finish_decision(logits, request, decision);
}

}  // namespace bhroute::routing
