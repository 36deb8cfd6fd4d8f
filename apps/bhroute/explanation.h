#pragma once
// One token's decision taken apart, for `bhroute explain`.

#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <vector>

#include "bhroute/routing/policy.h"

namespace bhroute::cli {

/// A way of making p-values that does not work, and what the step-up would select with it.
struct Alternative {
  std::string name;         ///< "1 - softmax"
  std::size_t num_passing;  ///< largest rank that passes, before min_k and max_k
  std::size_t num_selected;
  std::string reason;
};

/// 1 - softmax, log p = log_softmax(-r) against log c_k, and rank/N, computed on these logits.
std::vector<Alternative> alternatives(std::span<const float> logits,
                                      const routing::PolicySpec& policy);

struct Explanation {
  std::vector<float> logits;
  int layer = 0;
  std::string table;  ///< what it was made from, in words; "" = none
  routing::PolicySpec policy;
  routing::RoutingDecision decision;  ///< of this one token, with stats
  std::vector<Alternative> why;       ///< empty unless asked for

  /// Experts in the order of the procedure: p ascending, then logit descending, then index; NaN
  /// last.
  std::vector<std::size_t> ranks() const;
  /// What the policy's procedure rejects before min_k and max_k; 0 for a policy with no p-values.
  std::size_t num_passing() const;
};

nlohmann::json to_json(const Explanation& explanation);
std::string readable(const Explanation& explanation);

}  // namespace bhroute::cli
