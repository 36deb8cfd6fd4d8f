#include "explanation.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

#include "bhroute/routing/alpha_note.h"
#include "bhroute/stats/procedure.h"

namespace bhroute::cli {
namespace {

bool has_p_values(const Explanation& e) { return !e.decision.stats->p_values.empty(); }

/// The policy's procedure on the token's p-values; nothing where there are none.
stats::TestResult tested(const Explanation& e) {
  if (!has_p_values(e)) return {};
  const routing::PolicySpec& p = e.policy;
  const auto procedure = stats::make_procedure(
      to_string(p.rule), {.alpha = p.alpha, .lambda = p.lambda, .kappa = p.kappa, .beta = p.beta});
  return procedure ? stats::run(*procedure, e.decision.stats->p_values) : stats::TestResult{};
}

std::size_t num_selected(const Explanation& e) {
  return static_cast<std::size_t>(e.decision.num_selected.front());
}

std::string weight_of(const Explanation& e, std::size_t expert) {
  for (std::size_t slot = 0; slot < num_selected(e); ++slot)
    if (e.decision.expert_ids[slot] == static_cast<std::int32_t>(expert))
      return fmt::format("{:.6f}", e.decision.routing_weights[slot]);
  return "";
}

std::string header(const Explanation& e) {
  std::string text = fmt::format("layer {}, {} experts, policy {}\n", e.layer, e.logits.size(),
                                 to_string(e.policy));
  if (!has_p_values(e)) return text;
  return text + (e.decision.stats->table_available
                     ? fmt::format("p-values from the table: {}\n", e.table)
                     : "p-values from the empirical fallback (no table for this layer): 1 - rank/N "
                       "among this token's experts\n");
}

/// One rank's columns of the test: p beside its critical value, or beside HC(i).
std::string test_columns(const stats::TestResult& test, std::size_t k, double p) {
  if (test.critical_values.empty())
    return fmt::format(" {:>12.6f} {:>14.4f}      ", p, test.scores[k]);
  const double c = test.critical_values[k];
  return fmt::format(" {:>12.6f} {:>14.6f}  {:<4}", p, c, p <= c ? "pass" : "fail");
}

std::string rows(const Explanation& e) {
  const stats::TestResult test = tested(e);
  const bool has_test = has_p_values(e), has_critical = !test.critical_values.empty();
  std::string text = fmt::format("\n{:>4} {:>6} {:>10}", "rank", "expert", "logit");
  if (has_test)
    text += fmt::format(" {:>12} {:>14}  {:<4}", "p-value",
                        has_critical ? "critical value" : "HC(rank)", has_critical ? "p<=c" : "");
  text += fmt::format(" {:>14}\n", "routing weight");
  const std::vector<std::size_t> order = e.ranks();
  for (std::size_t k = 0; k < order.size(); ++k) {
    text += fmt::format("{:>4} {:>6} {:>10.4f}", k + 1, order[k], e.logits[order[k]]);
    if (has_test) text += test_columns(test, k, e.decision.stats->p_values[order[k]]);
    text += fmt::format(" {:>14}\n", weight_of(e, order[k]));
  }
  return text;
}

std::string passed(const Explanation& e, std::size_t passing) {
  if (e.policy.rule == routing::Rule::holm)
    return fmt::format("{} pass before the first rank that fails", passing);
  if (e.decision.stats->critical_values.empty() && to_string(e.policy.rule).starts_with("hc"))
    return fmt::format("HC(rank) is largest at rank {}", passing);
  return passing == 0 ? "no rank passes"
                      : fmt::format("the largest rank that passes is {}", passing);
}

// Why the count is what it is: the test's own number, and which bound changed it.
std::string reason(const Explanation& e) {
  if (routing::is_static(e.policy.rule))
    return fmt::format("a fixed count: the {} largest logits", e.policy.k);
  if (!has_p_values(e))
    return fmt::format("{} within min_k = {} and max_k = {}", to_string(e.policy.rule),
                       e.policy.min_k, e.policy.max_k);
  const std::size_t passing = e.num_passing();
  std::string text = passed(e, passing);
  if (num_selected(e) > passing) text += fmt::format("; min_k = {} raises it", e.policy.min_k);
  if (num_selected(e) < passing) text += fmt::format("; max_k = {} lowers it", e.policy.max_k);
  return text;
}

std::string decision_text(const Explanation& e) {
  std::string ids, weights;
  for (std::size_t slot = 0; slot < num_selected(e); ++slot) {
    ids += fmt::format(" {}", e.decision.expert_ids[slot]);
    weights += fmt::format(" {:.6f}", e.decision.routing_weights[slot]);
  }
  return fmt::format("\n{} of {} experts selected: {}\nexpert_ids      {}\nrouting_weights {}\n",
                     num_selected(e), e.logits.size(), reason(e), ids, weights);
}

std::string note_text(const Explanation& e) {
  const std::string note = routing::alpha_note(e.policy);
  return note.empty() ? "" : note + "\n";
}

std::string why_text(const Explanation& e) {
  if (e.why.empty()) return "";
  std::string text = "\nP-values that do not work, on the same logits:\n";
  for (const Alternative& other : e.why)
    text += fmt::format("  {:<20} {} of {} pass, {} selected\n{:23}{}\n", other.name,
                        other.num_passing, e.logits.size(), other.num_selected, "", other.reason);
  return text;
}

}  // namespace

std::vector<std::size_t> Explanation::ranks() const {
  std::vector<std::size_t> order(logits.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto& p = decision.stats->p_values;
  const auto value = [&](std::size_t expert) { return p.empty() ? 0.0 : p[expert]; };
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    if (std::isnan(logits[a]) != std::isnan(logits[b])) return std::isnan(logits[b]);
    if (value(a) != value(b)) return value(a) < value(b);
    if (logits[a] != logits[b]) return logits[a] > logits[b];
    return a < b;
  });
  return order;
}

std::size_t Explanation::num_passing() const { return tested(*this).num_rejections; }

nlohmann::json to_json(const Explanation& e) {
  const auto n = static_cast<std::ptrdiff_t>(num_selected(e));
  const auto& d = e.decision;
  nlohmann::json object = {
      {"num_experts", e.logits.size()},
      {"layer", e.layer},
      {"policy", to_json(e.policy)},
      {"table", e.table},
      {"table_available", d.stats->table_available},
      {"logits", e.logits},
      {"p_values", d.stats->p_values},
      {"critical_values", tested(e).critical_values},
      {"num_selected", num_selected(e)},
      {"expert_ids", std::vector<std::int32_t>(d.expert_ids.begin(), d.expert_ids.begin() + n)},
      {"routing_weights",
       std::vector<float>(d.routing_weights.begin(), d.routing_weights.begin() + n)},
  };
  if (has_p_values(e)) object["num_passing"] = e.num_passing();
  if (const auto note = routing::alpha_note(e.policy); !note.empty()) object["note"] = note;
  for (const Alternative& other : e.why)
    object["why"].push_back({{"p_values", other.name},
                             {"num_passing", other.num_passing},
                             {"num_selected", other.num_selected},
                             {"reason", other.reason}});
  return object;
}

std::string readable(const Explanation& e) {
  return header(e) + rows(e) + decision_text(e) + note_text(e) + why_text(e);
}

}  // namespace bhroute::cli
