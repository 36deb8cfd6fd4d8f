#pragma once
// The rules that decide how many experts a token gets.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bhroute/core/error.h"

namespace bhroute::routing {

/// p_i: the softmax of the router logits; p_1 the largest. Formulas and sources:
/// docs/statistics.md.
enum class Rule {
  // multiple testing: p-values from a table, a procedure of bhroute/stats/procedure.h
  bh,
  by,
  storey,
  bky,
  bonferroni,
  holm,
  hochberg,
  fixed,
  e_bh,
  hc,
  hc_plus,
  hc_star,
  // rivals: the logits alone
  top_k,            ///< k for every token
  top_k_per_layer,  ///< ks[layer] for every token
  ser,              ///< beyond min_k keep i iff p_i > t*p_1 (ik_llama.cpp -ser)
  top_p,            ///< smallest set of the largest with mass >= p
  min_p,            ///< p_i >= m*p_1
  prob_threshold,   ///< p_i >= level
  entropy,          ///< counts[b], b the bin of the softmax's entropy (nats) between `edges`
  skip_ratio,       ///< drop i where p_i < beta*p_1 (NAEE)
  rank_signal,      ///< k0 + gain*z, z the standardised log-probability of the expert ranked `rank`
  critical          ///< min_k + how many of the ranks above it pass a given critical value of the statistic
};

const std::vector<Rule>& all_rules();
std::string_view to_string(Rule rule) noexcept;
/// Errors name the rule that was meant.
Result<Rule> parse_rule(std::string_view text, std::string_view where);
/// Whether the rule tests p-values, and so reads a calibration table.
bool uses_p_values(Rule rule) noexcept;
/// Whether the rule gives every token of a layer the same count: top_k and top_k_per_layer.
bool is_static(Rule rule) noexcept;

}  // namespace bhroute::routing
