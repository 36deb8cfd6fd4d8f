#include "bhroute/kernels/routing_kernels.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cfloat>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>

#include "kernels/scratch.h"
#include "kernels/sort_key.h"
#include "kernels/step_up_rule.h"
#include "kernels/temperature.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/routing_kernels.cpp"
#include "hwy/foreach_target.h"
// Must come after foreach_target.h.
#include "hwy/highway.h"
#include "kernels/row_selection-inl.h"
#include "kernels/row_softmax-inl.h"

HWY_BEFORE_NAMESPACE();
namespace bhroute::kernels::HWY_NAMESPACE {

/// A token's logits and the number it is tested by, ready for vector loads.
struct Token {
  Row logits;
  Row statistic;
  float max;
};

inline Token LoadToken(const RouteInputs& in, std::size_t t, Scratch& scratch) {
  const Row logits = PadRow(in.logits + t * in.token_stride, in.num_experts, scratch.logits);
  Row statistic = logits;
  if (in.statistic != nullptr) {
    statistic = PadRow(in.statistic + t * in.num_experts, in.num_experts, scratch.statistic);
  }
  return {logits, statistic, RowMax(logits)};
}

/// Where the slots of token `t` are.
struct Slots {
  std::int32_t* ids;
  float* weights;
};

inline Slots SlotsOf(const RouteOutputs& out, std::size_t t, std::size_t max_k) {
  return {out.expert_ids + t * max_k, out.routing_weights + t * max_k};
}

/// The largest of the selected logits, which keeps renormalised exps from underflowing.
inline float MaxOfSelected(const float* logits, const std::int32_t* ids, std::size_t num) {
  float max = logits[ids[0]];
  for (std::size_t i = 1; i < num; ++i) max = std::max(max, logits[ids[i]]);
  return max;
}

/// The softmax mass of the `own_top_k` largest logits.
inline double OwnMass(const RouteInputs& in, const Token& token, Scratch& scratch) {
  const std::size_t own = std::clamp<std::size_t>(in.own_top_k, 1, in.num_experts);
  const std::size_t num = SelectLargest(token.logits, token.max, own, scratch.top, scratch.keys);
  const double top = ExpOf(token.logits.values, scratch.top, num, token.max,
                           inverse_temperature(in.temperature), scratch.exps);
  return top / SumExp(token.logits, token.max, inverse_temperature(in.temperature));
}

/// Weights of the first `num` slots, zeros in the rest.
inline void Weigh(const RouteInputs& in, const Token& token, std::size_t num, std::size_t max_k,
                  Slots slots, Scratch& scratch) {
  std::fill(slots.weights + num, slots.weights + max_k, 0.0f);
  if (num == 0) return;
  const float* logits = token.logits.values;
  const bool plain = in.weight_scale == WeightScale::none;
  const double mass = in.weight_scale == WeightScale::mass ? OwnMass(in, token, scratch) : 1.0;
  const float reference = plain ? token.max : MaxOfSelected(logits, slots.ids, num);
  const double selected =
      ExpOf(logits, slots.ids, num, reference, inverse_temperature(in.temperature), scratch.exps);
  const double sum =
      plain ? SumExp(token.logits, token.max, inverse_temperature(in.temperature)) : selected;
  const double scale = mass / sum;
  for (std::size_t i = 0; i < num; ++i)
    slots.weights[i] = static_cast<float>(scratch.exps[i] * scale);
}

/// Finishes a token whose `num` first candidates are selected.
inline void Emit(const RouteInputs& in, const Token& token, std::size_t t,
                 const std::int32_t* candidates, std::size_t num, std::size_t max_k,
                 const RouteOutputs& out, Scratch& scratch) {
  const Slots slots = SlotsOf(out, t, max_k);
  std::copy_n(candidates, num, slots.ids);
  std::fill(slots.ids + num, slots.ids + max_k, -1);
  out.num_selected[t] = static_cast<std::int32_t>(num);
  Weigh(in, token, num, max_k, slots, scratch);
}

inline std::size_t StepSorted(const float* statistic, const std::int32_t* sorted, std::size_t count,
                              const StepUpRule& rule) {
  return rule.down ? StepDownSorted(statistic, sorted, count, rule.critical_logits)
                   : StepUpSorted(statistic, sorted, count, rule.critical_logits);
}

/// Leaves the selected experts, in order, at the front of scratch.candidates. Only experts that
/// meet the loosest critical logit can pass any rank, and they are the largest logits: usually a
/// few.
inline std::size_t SelectStepUp(const Token& token, const StepUpRule& rule, Scratch& scratch) {
  const std::size_t n = token.logits.size;
  std::int32_t* candidates = scratch.candidates;
  const float loosest = rule.critical_logits[n - 1];
  const std::size_t count = CollectAtLeast(token.statistic, loosest, candidates);
  const bool few = count <= kFewCandidates;
  if (few) OrderLargest(token.logits.values, candidates, count, count, scratch.keys);
  const std::size_t passed = few ? StepSorted(token.statistic.values, candidates, count, rule)
                                 : StepCounted(token.statistic.values, candidates, count,
                                               rule.critical_logits, rule.down, n, scratch.counts);
  const std::size_t want = std::clamp(passed, rule.min_k, rule.max_k);
  if (want > count) return SelectLargest(token.logits, token.max, want, candidates, scratch.keys);
  if (!few) OrderLargest(token.logits.values, candidates, count, want, scratch.keys);
  return want;
}

void RouteStepUp(const RouteInputs& in, const StepUpRule& rule, const RouteOutputs& out) {
  Scratch scratch;
  for (std::size_t t = 0; t < in.num_tokens; ++t) {
    const Token token = LoadToken(in, t, scratch);
    const std::size_t num = SelectStepUp(token, rule, scratch);
    Emit(in, token, t, scratch.candidates, num, rule.max_k, out, scratch);
  }
}

void RouteTopK(const RouteInputs& in, std::size_t top_k, const RouteOutputs& out) {
  Scratch scratch;
  for (std::size_t t = 0; t < in.num_tokens; ++t) {
    const Token token = LoadToken(in, t, scratch);
    const std::size_t num =
        SelectLargest(token.logits, token.max, top_k, scratch.candidates, scratch.keys);
    Emit(in, token, t, scratch.candidates, num, top_k, out, scratch);
  }
}

void SelectLargestOfEach(const RouteInputs& in, std::size_t k, std::int32_t* expert_ids,
                         std::int32_t* num_selected) {
  Scratch scratch;
  for (std::size_t t = 0; t < in.num_tokens; ++t) {
    const Token token = LoadToken(in, t, scratch);
    const std::size_t num =
        SelectLargest(token.logits, token.max, k, scratch.candidates, scratch.keys);
    std::int32_t* row = expert_ids + t * k;
    std::fill(std::copy_n(scratch.candidates, num, row), row + k, -1);
    num_selected[t] = static_cast<std::int32_t>(num);
  }
}

inline SoftmaxFacts FactsOf(const Token& token) {
  const double sum = SumExp(token.logits, token.max, 1.0);
  if (sum == 0.0) return {0.0, 0.0};
  const double shift = std::isinf(token.max) ? 0.0 : SumExpTimes(token.logits, token.max) / sum;
  return {sum, std::log(sum) - shift};
}

void SoftmaxFactsOfEach(const RouteInputs& in, SoftmaxFacts* facts) {
  Scratch scratch;
  for (std::size_t t = 0; t < in.num_tokens; ++t) facts[t] = FactsOf(LoadToken(in, t, scratch));
}

void WeighSelected(const RouteInputs& in, std::size_t max_k, const RouteOutputs& out) {
  Scratch scratch;
  for (std::size_t t = 0; t < in.num_tokens; ++t) {
    const Token token = LoadToken(in, t, scratch);
    Weigh(in, token, static_cast<std::size_t>(out.num_selected[t]), max_k, SlotsOf(out, t, max_k),
          scratch);
  }
}

const char* Implementation() { return hwy::TargetName(HWY_TARGET); }

}  // namespace bhroute::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace bhroute::kernels {
namespace {

HWY_EXPORT(RouteStepUp);
HWY_EXPORT(RouteTopK);
HWY_EXPORT(SelectLargestOfEach);
HWY_EXPORT(SoftmaxFactsOfEach);
HWY_EXPORT(WeighSelected);
HWY_EXPORT(Implementation);

// For the assertions of debug builds.
[[maybe_unused]] bool valid(const RouteInputs& in, std::size_t max_k) {
  return in.num_experts >= 1 && in.num_experts <= kMaxExperts && in.temperature > 0.0 &&
         max_k >= 1 && max_k <= in.num_experts &&
         (in.num_tokens <= 1 || in.token_stride >= in.num_experts);
}

}  // namespace

void route_step_up(const RouteInputs& in, const float* critical_logits, std::size_t min_k,
                   std::size_t max_k, const RouteOutputs& out) noexcept {
  assert(valid(in, max_k) && min_k >= 1 && min_k <= max_k);
  HWY_DYNAMIC_DISPATCH(RouteStepUp)(in, {critical_logits, min_k, max_k, false}, out);
}

void route_step_down(const RouteInputs& in, const float* critical_logits, std::size_t min_k,
                     std::size_t max_k, const RouteOutputs& out) noexcept {
  assert(valid(in, max_k) && min_k >= 1 && min_k <= max_k);
  HWY_DYNAMIC_DISPATCH(RouteStepUp)(in, {critical_logits, min_k, max_k, true}, out);
}

void route_top_k(const RouteInputs& in, std::size_t top_k, const RouteOutputs& out) noexcept {
  assert(valid(in, top_k));
  HWY_DYNAMIC_DISPATCH(RouteTopK)(in, top_k, out);
}

void select_largest(const RouteInputs& in, std::size_t k, std::int32_t* expert_ids,
                    std::int32_t* num_selected) noexcept {
  assert(valid(in, k));
  HWY_DYNAMIC_DISPATCH(SelectLargestOfEach)(in, k, expert_ids, num_selected);
}

void softmax_facts(const RouteInputs& in, SoftmaxFacts* facts) noexcept {
  assert(valid(in, 1));
  HWY_DYNAMIC_DISPATCH(SoftmaxFactsOfEach)(in, facts);
}

void weigh_selected(const RouteInputs& in, std::size_t max_k, const RouteOutputs& out) noexcept {
  assert(valid(in, max_k));
  HWY_DYNAMIC_DISPATCH(WeighSelected)(in, max_k, out);
}

const char* implementation() noexcept { return HWY_DYNAMIC_DISPATCH(Implementation)(); }

}  // namespace bhroute::kernels
#endif  // HWY_ONCE
