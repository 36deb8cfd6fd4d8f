#pragma once
// A decision with the shape of the logits it was made from.

#include "arrays.h"
#include "bhroute/routing/routing_decision.h"

namespace bhroute::python {

struct Decision {
  routing::RoutingDecision decision;
  Shape leading;
  bool has_dense = false;
};

struct Stats {
  routing::RoutingStats stats;
  Shape leading;
  std::size_t num_experts;
};

}  // namespace bhroute::python
