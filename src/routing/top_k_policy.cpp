#include "top_k_policy.h"

#include "layer_specs.h"
#include "reference_policy.h"
#include "routing_rows.h"

namespace bhroute::routing {
namespace {

class TopKPolicy final : public Policy {
 public:
  TopKPolicy(const PolicySpec& spec, const RouterFacts& facts) : specs_(spec), facts_(facts) {}

  const PolicySpec& spec() const noexcept override { return specs_.whole(); }
  const RouterFacts& facts() const noexcept override { return facts_; }

  Result<void> route(LogitsView logits, int layer, const RouteRequest& request,
                     RoutingDecision& decision) const override {
    const auto found = specs_.of(layer);
    if (!found) return tl::make_unexpected(found.error());
    const PolicySpec& spec = **found;
    if (auto ok = begin_decision(logits, facts_, spec.k, decision); !ok) return ok;
    kernels::route_top_k(kernel_inputs(logits, nullptr, spec, facts_), spec.k,
                         kernel_outputs(decision));
    if (request.stats) decision.stats = reference_stats(logits, layer, spec, nullptr, decision);
    return finish_decision(logits, request, decision);
  }

 private:
  LayerSpecs specs_;
  RouterFacts facts_;
};

}  // namespace

std::unique_ptr<Policy> new_top_k_policy(const PolicySpec& spec, const RouterFacts& facts) {
  return std::make_unique<TopKPolicy>(spec, facts);
}

}  // namespace bhroute::routing
