#pragma once
// The float fast paths: plain pointers and sizes, no allocation, noexcept. Compiled for several instruction sets
// and dispatched at run time (core/isa.h). Each agrees with the double reference of src/routing: the same experts
// in the same order, weights within 4 ulp.

#include <cstddef>
#include <cstdint>

namespace bhroute::kernels {

/// What the softmax mass of the selected experts is scaled to.
enum class WeightScale {
  none,  ///< softmax over all experts, as it is
  one,   ///< selected weights sum to 1
  mass   ///< selected weights sum to what the `own_top_k` largest logits' softmax sums to
};

/// Inputs of a batch of tokens. Read-only; must not overlap the outputs.
struct RouteInputs {
  const float* logits = nullptr;     ///< [num_tokens, num_experts], token t at logits + t * token_stride
  const float* statistic = nullptr;  ///< [num_tokens, num_experts] contiguous, non-decreasing in the token's logit,
                                     ///< NaN where it is; or null: the logits themselves
  std::size_t num_tokens = 0;
  std::size_t num_experts = 0;       ///< 1..4096
  std::size_t token_stride = 0;
  double temperature = 1.0;          ///< > 0; shapes the weights only
  WeightScale weight_scale = WeightScale::none;
  std::size_t own_top_k = 0;         ///< for WeightScale::mass
};

/// Outputs, caller-owned. Slots beyond num_selected get id -1 and weight 0.
struct RouteOutputs {
  std::int32_t* expert_ids = nullptr;    ///< [num_tokens, max_k], largest logit first, ties by lower index
  float* routing_weights = nullptr;      ///< [num_tokens, max_k]
  std::int32_t* num_selected = nullptr;  ///< [num_tokens]
};

/// The step-up by critical logits of a pooled null. `critical_logits` [num_experts]: non-increasing where not NaN,
/// NaN (rank cannot pass) only as a prefix. num_selected = largest k with #{statistic >= critical_logits[k-1]} >= k,
/// clamped to [min_k, max_k] and to the number of experts whose logit is not NaN. 1 <= min_k <= max_k <= num_experts.
void route_step_up(const RouteInputs& in, const float* critical_logits, std::size_t min_k, std::size_t max_k,
                   const RouteOutputs& out) noexcept;

/// The step-down by the same: num_selected = how many ranks k pass, #{statistic >= critical_logits[k-1]} >= k, before
/// the first that does not; then clamped likewise.
void route_step_down(const RouteInputs& in, const float* critical_logits, std::size_t min_k, std::size_t max_k,
                     const RouteOutputs& out) noexcept;

/// The `top_k` largest logits (NaN never), 1 <= top_k <= num_experts = row width of the outputs.
void route_top_k(const RouteInputs& in, std::size_t top_k, const RouteOutputs& out) noexcept;

/// The ids of the `k` largest logits and how many there are, without weights: the first step of rules that then cut
/// the row. `expert_ids` [num_tokens, k], unused slots -1; `num_selected` [num_tokens]. 1 <= k <= num_experts.
void select_largest(const RouteInputs& in, std::size_t k, std::int32_t* expert_ids,
                    std::int32_t* num_selected) noexcept;

/// Of one token's softmax at temperature 1, NaN taking no part; logits that share an infinite maximum share the mass.
struct SoftmaxFacts {
  double sum;      ///< of exp(r - max), to a relative 1e-6
  double entropy;  ///< nats, to 1e-5
};
/// `facts` [num_tokens]. Without any number the token's facts are {0, 0}.
void softmax_facts(const RouteInputs& in, SoftmaxFacts* facts) noexcept;

/// Routing weights of experts that something else selected: fills routing_weights [num_tokens, max_k] for the ids
/// and counts already in `out` (ids distinct, first num_selected slots of each row).
void weigh_selected(const RouteInputs& in, std::size_t max_k, const RouteOutputs& out) noexcept;

/// Highway's name of the target whose code the next kernel call runs ("SCALAR" or "EMU128" is active_isa()'s "scalar").
const char* implementation() noexcept;

}  // namespace bhroute::kernels
