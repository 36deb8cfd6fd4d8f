#include "selecting_policy.h"

#include "reference_policy.h"
#include "routing_rows.h"

namespace bhroute::routing {

Result<void> SelectingPolicy::route(LogitsView logits, int layer, const RouteRequest& request,
                                    RoutingDecision& decision) const {
  const auto spec = specs_.of(layer);
  if (!spec) return tl::make_unexpected(spec.error());
  if (auto ok = begin_decision(logits, facts_, (*spec)->bounds().max_k, decision); !ok) return ok;
  select(**spec, layer, logits, decision);
  if (request.stats)
    decision.stats = reference_stats(logits, layer, **spec, table_.get(), decision);
  return finish_decision(logits, request, decision);
}

}  // namespace bhroute::routing
