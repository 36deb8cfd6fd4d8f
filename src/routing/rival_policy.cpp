#include "rival_policy.h"

#include "layer_specs.h"
#include "reference_policy.h"
#include "route_by_reference.h"

namespace bhroute::routing {
namespace {

class RivalPolicy final : public Policy {
 public:
  RivalPolicy(const PolicySpec& spec, const RouterFacts& facts)
      : specs_(spec), facts_(facts), reference_(new_reference_policy(spec, facts, nullptr)) {}

  const PolicySpec& spec() const noexcept override { return specs_.whole(); }
  const RouterFacts& facts() const noexcept override { return facts_; }

  Result<void> route(LogitsView logits, int layer, const RouteRequest& request,
                     RoutingDecision& decision) const override {
    const auto spec = specs_.of(layer);
    if (!spec) return tl::make_unexpected(spec.error());
    return route_by_reference(*reference_, **spec, logits, layer, request, decision);
  }

 private:
  LayerSpecs specs_;
  RouterFacts facts_;
  std::unique_ptr<Policy> reference_;
};

}  // namespace

std::unique_ptr<Policy> new_rival_policy(const PolicySpec& spec, const RouterFacts& facts) {
  return std::make_unique<RivalPolicy>(spec, facts);
}

}  // namespace bhroute::routing
