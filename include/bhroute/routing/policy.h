#pragma once
// The policy interface: logits -> RoutingDecision.

#include <memory>

#include "bhroute/calibration/calibration_table.h"
#include "bhroute/core/logits_view.h"
#include "bhroute/routing/policy_spec.h"
#include "bhroute/routing/routing_decision.h"

namespace bhroute::routing {

/// What a policy must know of the model it routes.
struct RouterFacts {
  std::size_t num_experts = 0;
  std::size_t top_k = 0;             ///< the model's own
  bool normalizes_weights = false;   ///< the `native` rule renormalises (Mixtral, Qwen3-MoE) or not (OLMoE)
};

struct RouteRequest {
  bool dense_weights = false;
  bool stats = false;
  bool allow_unroutable = false;  ///< a token of NaNs: false = an error, true = listed and left empty (engines)
};

/// Immutable after construction; route() may be called from several threads with different decisions.
class Policy {
 public:
  virtual ~Policy() = default;
  virtual const PolicySpec& spec() const noexcept = 0;
  virtual const RouterFacts& facts() const noexcept = 0;
  /// Routes every token of `logits` through layer `layer`. Errors: logits.num_experts differs from the facts, a
  /// token whose every logit is NaN (unless allowed).
  virtual Result<void> route(LogitsView logits, int layer, const RouteRequest& request,
                             RoutingDecision& decision) const = 0;
};

/// Binds a spec to a model and a table. For `bh` with table == nullptr, or for a layer the table lacks, the
/// empirical fallback is used, warned once a table; it sees the rows of one call only.
/// Errors: validate()'s; a table for another number of experts; a conformal table too small for alpha.
Result<std::unique_ptr<Policy>> make_policy(const PolicySpec& spec, const RouterFacts& facts,
                                            std::shared_ptr<const calibration::CalibrationTable> table = nullptr);

/// The same policy by textbook mathematics in double, with no kernel involved: the oracle of the tests, and what
/// stats are made from.
Result<std::unique_ptr<Policy>> make_reference_policy(
    const PolicySpec& spec, const RouterFacts& facts,
    std::shared_ptr<const calibration::CalibrationTable> table = nullptr);

}  // namespace bhroute::routing
