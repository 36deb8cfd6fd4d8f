#include "ggml/selection.h"

#include <algorithm>
#include <cmath>

#include "bhroute/routing/engine_order.h"

namespace bhroute::ggml {
namespace {

// Expert groups give the experts outside the chosen groups a score of -inf.
std::size_t num_rankable(const MoeBlock& block, std::size_t token) {
  if (block.scores == block.gates || block.scores == block.logits) return block.num_experts;
  const auto scores = row_of<float>(block.scores, token);
  return static_cast<std::size_t>(
      std::count_if(scores.begin(), scores.end(), [](float s) { return s != -INFINITY; }));
}

// Writes the token's experts to the end of the list and returns how many.
std::size_t append_experts(const MoeBlock& block, LogitsView logits, std::size_t token,
                           std::span<const std::int32_t> chosen, bool keep_own,
                           std::vector<std::int32_t>& experts) {
  const std::size_t begin = experts.size();
  const auto order = row_of<std::int32_t>(block.sorted, token);
  if (keep_own) {
    experts.insert(experts.end(), order.begin(),
                   order.begin() + static_cast<std::ptrdiff_t>(block.num_summed));
    return block.num_summed;
  }
  experts.resize(begin + chosen.size());
  return routing::follow_engine_order(logits.token(token), chosen,
                                      {order, num_rankable(block, token)},
                                      std::span(experts).subspan(begin));
}

}  // namespace

std::optional<std::size_t> uniform_count(const Selection& selection, std::size_t begin,
                                         std::size_t end) {
  for (std::size_t token = begin + 1; token < end; ++token)
    if (selection.count(token) != selection.count(begin)) return std::nullopt;
  return selection.count(begin);
}

void select_pairs(const MoeBlock& block, LogitsView logits,
                  const routing::RoutingDecision& decision, std::size_t most_experts,
                  Selection& selection) {
  selection.experts.clear();
  selection.tokens.clear();
  selection.first.assign(1, 0);
  auto unroutable = decision.unroutable_tokens.begin();
  for (std::size_t token = 0; token < logits.num_tokens; ++token) {
    const std::span<const std::int32_t> chosen(
        decision.expert_ids.data() + token * decision.max_k,
        static_cast<std::size_t>(decision.num_selected[token]));
    const bool keep_own = unroutable != decision.unroutable_tokens.end() && *unroutable == token;
    if (keep_own) ++unroutable;
    const std::size_t count =
        append_experts(block, logits, token, chosen, keep_own, selection.experts);
    selection.first.push_back(selection.first.back() + std::min(count, most_experts));
    selection.experts.resize(selection.first.back());
    selection.tokens.resize(selection.first.back(), static_cast<std::int32_t>(token));
  }
}

}  // namespace bhroute::ggml
