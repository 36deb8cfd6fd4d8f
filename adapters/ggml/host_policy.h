#pragma once
// A policy that lies in the host program, behind plain C.

#include "bhroute/routing/policy.h"
#include "ggml/bhroute_ggml.h"
#include "ggml/selection.h"

namespace bhroute::ggml {

class HostPolicy final : public routing::Policy {
 public:
  HostPolicy(routing::PolicySpec spec, const routing::RouterFacts& facts,
             const bhroute_ggml_router& router)
      : spec_(std::move(spec)), facts_(facts), router_(router) {}

  const routing::PolicySpec& spec() const noexcept override { return spec_; }
  const routing::RouterFacts& facts() const noexcept override { return facts_; }
  /// `logits` contiguous. Errors (failure): the host's router does not decide.
  Result<void> route(LogitsView logits, int layer, const routing::RouteRequest& request,
                     routing::RoutingDecision& decision) const override;
  /// What came of it.
  void tell(int layer, const Selection& selection) const;

 private:
  routing::PolicySpec spec_;
  routing::RouterFacts facts_;
  bhroute_ggml_router router_;
};

}  // namespace bhroute::ggml
