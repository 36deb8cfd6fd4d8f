#pragma once
// What routing returns.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace bhroute::routing {

/// The intermediate values of the procedure, on request.
struct RoutingStats {
  std::vector<double> p_values;             ///< [num_tokens, num_experts]; empty for top_k
  std::vector<double> critical_values;      ///< [num_experts], c_k at [k-1]; empty for top_k
  std::vector<std::uint8_t> selected_mask;  ///< [num_tokens, num_experts], 1 = selected
  int layer = 0;
  bool table_available = false;             ///< false: the empirical fallback made the p-values
};

/// Rows are tokens. Reuse one object from call to call: vectors are resized, not reallocated.
struct RoutingDecision {
  std::size_t num_tokens = 0;
  std::size_t num_experts = 0;
  std::size_t max_k = 0;                      ///< row width of expert_ids and routing_weights
  std::vector<std::int32_t> expert_ids;       ///< [num_tokens, max_k]: p-value ascending, then logit descending,
                                              ///< then index ascending; padded with -1
  std::vector<float> routing_weights;         ///< [num_tokens, max_k], 0 in the padding
  std::vector<std::int32_t> num_selected;     ///< [num_tokens]
  std::vector<float> dense_routing_weights;   ///< [num_tokens, num_experts] on request, else empty
  std::optional<RoutingStats> stats;
  std::size_t num_nan_logits = 0;             ///< never selected; reported here
  std::vector<std::size_t> unroutable_tokens; ///< every logit NaN: num_selected 0 (only if the request allows it)
};

}  // namespace bhroute::routing
