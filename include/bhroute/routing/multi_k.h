#pragma once

#include <span>
#include <vector>

#include "bhroute/routing/policy.h"

namespace bhroute::routing {

/// The original system's run_bh_multi_k: one p-value pass, then the step-up clamped to each of `max_ks`.
/// `spec.max_k` is ignored. Results in the order of max_ks, each as make_policy with that max_k gives.
Result<std::vector<RoutingDecision>> run_bh_multi_k(LogitsView logits, int layer, const PolicySpec& spec,
                                                    const RouterFacts& facts,
                                                    std::shared_ptr<const calibration::CalibrationTable> table,
                                                    std::span<const std::size_t> max_ks);

}  // namespace bhroute::routing
