#pragma once

#include "bhroute/routing/policy.h"
#include "layer_specs.h"

namespace bhroute::routing {

/// A policy whose route() is the same as the others' but for select().
class SelectingPolicy : public Policy {
 public:
  const PolicySpec& spec() const noexcept final { return specs_.whole(); }
  const RouterFacts& facts() const noexcept final { return facts_; }
  /// Errors, besides Policy's: the spec has no count for the layer.
  Result<void> route(LogitsView logits, int layer, const RouteRequest& request,
                     RoutingDecision& decision) const override;

 protected:
  SelectingPolicy(const PolicySpec& spec, const RouterFacts& facts,
                  std::shared_ptr<const calibration::CalibrationTable> table = nullptr)
      : specs_(spec), facts_(facts), table_(std::move(table)) {}

  /// Fills ids, weights and counts of every token; their rows have the slots that `spec`, the
  /// layer's, needs.
  virtual void select(const PolicySpec& spec, int layer, LogitsView logits,
                      RoutingDecision& decision) const = 0;

  const LayerSpecs specs_;
  const RouterFacts facts_;
  const std::shared_ptr<const calibration::CalibrationTable> table_;
};

}  // namespace bhroute::routing
