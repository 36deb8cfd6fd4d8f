#include "ggml/host_policy.h"

#include <fmt/format.h>

namespace bhroute::ggml {

Result<void> HostPolicy::route(LogitsView logits, int layer, const routing::RouteRequest&,
                               routing::RoutingDecision& decision) const {
  const std::size_t n = logits.num_tokens;
  decision.num_tokens = n;
  decision.num_experts = logits.num_experts;
  decision.max_k = router_.width;
  decision.expert_ids.resize(n * router_.width);
  decision.routing_weights.resize(n * router_.width);
  decision.num_selected.resize(n);
  decision.unroutable_tokens.clear();
  bhroute_ggml_routing routing{.layer = layer,
                               .num_tokens = n,
                               .num_experts = logits.num_experts,
                               .logits = logits.data,
                               .width = router_.width,
                               .expert_ids = decision.expert_ids.data(),
                               .routing_weights = decision.routing_weights.data(),
                               .num_selected = decision.num_selected.data()};
  if (router_.route(router_.self, &routing) != 0)
    return failure(fmt::format("layer {}", layer), "the program's router did not decide");
  for (std::size_t t = 0; t < n; ++t) {
    if (decision.num_selected[t] >= 0) continue;
    decision.num_selected[t] = 0;
    decision.unroutable_tokens.push_back(t);
  }
  return {};
}

void HostPolicy::tell(int layer, const Selection& selection) const {
  const bhroute_ggml_selection chosen{.layer = layer,
                                      .num_tokens = selection.num_tokens(),
                                      .first = selection.first.data(),
                                      .experts = selection.experts.data(),
                                      .weights = selection.weights.data()};
  router_.chosen(router_.self, &chosen);
}

}  // namespace bhroute::ggml
