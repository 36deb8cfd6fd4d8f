#include "rival_policy.h"

#include <algorithm>
#include <map>
#include <span>

#include "fast_count.h"
#include "p_values.h"
#include "rank_critical.h"
#include "rival_count.h"
#include "routing_rows.h"
#include "selecting_policy.h"

namespace bhroute::routing {
namespace {

/// A thread's working memory, kept from call to call so that route() allocates nothing.
struct ThreadScratch {
  std::vector<std::int32_t> ids, num_found;
  std::vector<kernels::SoftmaxFacts> softmax;
  std::vector<float> statistic, largest;
};

ThreadScratch& thread_scratch() {
  thread_local ThreadScratch scratch;
  return scratch;
}

/// Takes the largest logits in order, cuts each row where the rule says, and weighs what is left.
class RivalPolicy final : public SelectingPolicy {
 public:
  RivalPolicy(const PolicySpec& spec, const RouterFacts& facts)
      : SelectingPolicy(spec, facts), base_(spec.for_layer(-1)) {
    for (const auto& [layer, own] : spec.layers)
      own_.emplace(layer, FastCount(spec.for_layer(layer)));
  }

 private:
  void select(const PolicySpec& spec, int layer, LogitsView logits,
              RoutingDecision& decision) const override {
    const auto own = own_.find(layer);
    const FastCount& rule = own == own_.end() ? base_ : own->second;
    const auto inputs = kernel_inputs(logits, nullptr, spec, facts_);
    prepare(rule, logits, inputs);
    for (std::size_t t = 0; t < logits.num_tokens; ++t) cut(rule, logits, t, decision);
    kernels::weigh_selected(inputs, spec.max_k, kernel_outputs(decision));
  }

  static void prepare(const FastCount& rule, LogitsView logits,
                      const kernels::RouteInputs& inputs) {
    ThreadScratch& scratch = thread_scratch();
    scratch.ids.resize(logits.num_tokens * rule.depth());
    scratch.num_found.resize(logits.num_tokens);
    kernels::select_largest(inputs, rule.depth(), scratch.ids.data(), scratch.num_found.data());
    scratch.softmax.resize(logits.num_tokens);
    if (rule.needs_softmax()) kernels::softmax_facts(inputs, scratch.softmax.data());
    if (rule.spec().rule == Rule::critical)
      batch_statistic(rule.spec().statistic, logits, scratch.statistic);
  }

  static std::size_t count(const FastCount& rule, LogitsView logits, std::size_t t,
                           std::span<const std::int32_t> ids) {
    ThreadScratch& scratch = thread_scratch();
    const bool critical = rule.spec().rule == Rule::critical;
    const float* row =
        critical ? scratch.statistic.data() + t * logits.num_experts : logits.token(t).data();
    scratch.largest.clear();
    for (std::int32_t id : ids) scratch.largest.push_back(row[id]);
    if (critical) return count_above_criticals(rule.spec(), scratch.largest);
    const auto sure = rule.count(scratch.largest, scratch.softmax[t]);
    return sure ? *sure : rival_count(rule.spec(), logits.token(t));
  }

  static void cut(const FastCount& rule, LogitsView logits, std::size_t t,
                  RoutingDecision& decision) {
    ThreadScratch& scratch = thread_scratch();
    const auto ids = std::span<const std::int32_t>(scratch.ids)
                         .subspan(t * rule.depth(), static_cast<std::size_t>(scratch.num_found[t]));
    const std::size_t num = count(rule, logits, t, ids);
    const auto slots = std::span(decision.expert_ids).subspan(t * decision.max_k, decision.max_k);
    std::fill(std::copy_n(ids.begin(), num, slots.begin()), slots.end(), -1);
    decision.num_selected[t] = static_cast<std::int32_t>(num);
  }

  FastCount base_;  // of the layers with nothing of their own
  std::map<int, FastCount> own_;
};

}  // namespace

std::unique_ptr<Policy> new_rival_policy(const PolicySpec& spec, const RouterFacts& facts) {
  return std::make_unique<RivalPolicy>(spec, facts);
}

}  // namespace bhroute::routing
