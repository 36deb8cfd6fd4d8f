#include "bhroute/routing/multi_k.h"

#include <algorithm>

#include "check_policy.h"
#include "routing_rows.h"
#include "testing_policy.h"

namespace bhroute::routing {
namespace {

/// The decision that a smaller max_k makes: the first max_k of each row, weighed anew.
RoutingDecision cut(const RoutingDecision& widest, LogitsView logits, const PolicySpec& spec,
                    const RouterFacts& facts) {
  RoutingDecision decision;
  decision.num_tokens = widest.num_tokens;
  decision.num_experts = widest.num_experts;
  decision.max_k = spec.max_k;
  decision.num_nan_logits = widest.num_nan_logits;
  decision.routing_weights.resize(widest.num_tokens * spec.max_k);
  for (std::size_t t = 0; t < widest.num_tokens; ++t) {
    const auto row = widest.expert_ids.begin() + static_cast<std::ptrdiff_t>(t * widest.max_k);
    decision.expert_ids.insert(decision.expert_ids.end(), row,
                               row + static_cast<std::ptrdiff_t>(spec.max_k));
    decision.num_selected.push_back(
        std::min(widest.num_selected[t], static_cast<std::int32_t>(spec.max_k)));
  }
  kernels::weigh_selected(kernel_inputs(logits, nullptr, spec, facts), spec.max_k,
                          kernel_outputs(decision));
  return decision;
}

}  // namespace

Result<std::vector<RoutingDecision>> run_bh_multi_k(
    LogitsView logits, int layer, const PolicySpec& spec, const RouterFacts& facts,
    std::shared_ptr<const calibration::CalibrationTable> table,
    std::span<const std::size_t> max_ks) {
  if (spec.rule != Rule::bh)
    return invalid_input("rule", "multi_k needs the step-up", std::string(to_string(spec.rule)),
                         "bh");
  if (max_ks.empty()) return std::vector<RoutingDecision>();
  PolicySpec each = spec.for_layer(layer);
  for (std::size_t max_k : max_ks) {
    each.max_k = max_k;
    if (auto ok = check_policy(each, facts, table.get()); !ok)
      return tl::make_unexpected(ok.error());
  }
  each.max_k = *std::max_element(max_ks.begin(), max_ks.end());
  RoutingDecision widest;
  const auto policy = new_testing_policy(each, facts, std::move(table), layer);
  if (auto ok = policy->route(logits, layer, {}, widest); !ok)
    return tl::make_unexpected(ok.error());
  std::vector<RoutingDecision> decisions;
  for (std::size_t max_k : max_ks) {
    each.max_k = max_k;
    decisions.push_back(cut(widest, logits, each, facts));
  }
  return decisions;
}

}  // namespace bhroute::routing
