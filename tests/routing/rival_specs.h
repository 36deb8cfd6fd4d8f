#pragma once
// The rules without p-values, for tests that hold the fast path against the formulas.

#include <algorithm>
#include <limits>
#include <vector>

#include "bhroute/routing/policy_spec.h"

namespace bhroute::testing {

using routing::PolicySpec;
using routing::Rule;
using routing::WeightRule;

/// Every rule, at parameters that small numbers of experts feel too.
inline std::vector<PolicySpec> rival_specs(std::size_t n) {
  const std::size_t few = std::min<std::size_t>(n, 10), low = std::min<std::size_t>(n, 2);
  std::vector<PolicySpec> list;
  for (double share : {0.0, 0.05, 0.3, 1.0}) {
    list.push_back({.rule = Rule::ser, .min_k = low, .max_k = few, .t = share});
    list.push_back({.rule = Rule::min_p, .max_k = n, .weights = WeightRule::mass, .m = share});
    list.push_back({.rule = Rule::prob_threshold, .max_k = few, .level = share});
    if (share == 0.0) continue;
    list.push_back({.rule = Rule::skip_ratio, .max_k = few, .beta = share});
    list.push_back(
        {.rule = Rule::top_p, .max_k = n, .weights = WeightRule::renormalized, .p = share});
  }
  for (bool dither : {false, true})
    list.push_back({.rule = Rule::rank_signal,
                    .max_k = few,
                    .rank = std::min<std::size_t>(n, dither ? 12 : 5),
                    .k0 = 4.0,
                    .gain = 1.5,
                    .mean = -3.0,
                    .sd = 0.7,
                    .dither = dither});
  for (calibration::Statistic statistic :
       {calibration::Statistic::logit, calibration::Statistic::log_prob,
        calibration::Statistic::standardized}) {
    PolicySpec spec{.rule = Rule::critical, .min_k = low, .max_k = few, .statistic = statistic};
    constexpr double infinity = std::numeric_limits<double>::infinity();
    for (double z : {0.5, -3.5, -infinity, -2.0, 0.0, infinity, -4.0, -1.0})
      if (spec.criticals.size() < few - low) spec.criticals.push_back(z);
    list.push_back(spec);
  }
  list.push_back({.rule = Rule::entropy,
                  .max_k = few,
                  .weights = WeightRule::mass,
                  .edges = {0.1, 1.0, 2.0, 3.5},
                  .counts = {1, low, 3, 5, 9}});
  for (PolicySpec& spec : list)
    for (std::size_t& count : spec.counts) count = std::min(count, n);
  return list;
}

}  // namespace bhroute::testing
