#include "explanation.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

#include "bhroute/stats/benjamini_hochberg.h"

namespace bhroute::cli {
namespace {

std::vector<double> sorted_p_values(const Explanation& e) {
  std::vector<double> sorted;
  for (const std::size_t expert : e.ranks()) sorted.push_back(e.decision.stats->p_values[expert]);
  return sorted;
}

bool has_p_values(const Explanation& e) { return !e.decision.stats->p_values.empty(); }
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

std::string rows(const Explanation& e) {
  const bool tested = has_p_values(e);
  std::string text = fmt::format("\n{:>4} {:>6} {:>10}", "rank", "expert", "logit");
  if (tested) text += fmt::format(" {:>12} {:>14}  {:<4}", "p-value", "critical value", "p<=c");
  text += fmt::format(" {:>14}\n", "routing weight");
  const std::vector<std::size_t> order = e.ranks();
  for (std::size_t k = 0; k < order.size(); ++k) {
    text += fmt::format("{:>4} {:>6} {:>10.4f}", k + 1, order[k], e.logits[order[k]]);
    if (tested) {
      const double p = e.decision.stats->p_values[order[k]],
                   c = e.decision.stats->critical_values[k];
      text += fmt::format(" {:>12.6f} {:>14.6f}  {:<4}", p, c, p <= c ? "pass" : "fail");
    }
    text += fmt::format(" {:>14}\n", weight_of(e, order[k]));
  }
  return text;
}

// Why the count is what it is: the step-up's own number, and which bound changed it.
std::string reason(const Explanation& e) {
  if (!has_p_values(e)) return fmt::format("a fixed count: the {} largest logits", e.policy.k);
  const std::size_t passing = e.num_passing();
  std::string text =
      passing == 0 ? "no rank passes" : fmt::format("the largest rank that passes is {}", passing);
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

std::size_t Explanation::num_passing() const {
  if (!has_p_values(*this)) return 0;
  return stats::step_up(sorted_p_values(*this), decision.stats->critical_values);
}

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
      {"critical_values", d.stats->critical_values},
      {"num_selected", num_selected(e)},
      {"expert_ids", std::vector<std::int32_t>(d.expert_ids.begin(), d.expert_ids.begin() + n)},
      {"routing_weights",
       std::vector<float>(d.routing_weights.begin(), d.routing_weights.begin() + n)},
  };
  if (has_p_values(e)) object["num_passing"] = e.num_passing();
  for (const Alternative& other : e.why)
    object["why"].push_back({{"p_values", other.name},
                             {"num_passing", other.num_passing},
                             {"num_selected", other.num_selected},
                             {"reason", other.reason}});
  return object;
}

std::string readable(const Explanation& e) {
  return header(e) + rows(e) + decision_text(e) + why_text(e);
}

}  // namespace bhroute::cli
