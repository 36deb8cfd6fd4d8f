#pragma once
// The empirical-CDF p-values that the original system fell back to where it had no table.

#include <cstddef>
#include <span>
#include <vector>

namespace bhroute::stats {

/// p_i = 1 - #{j : sample_j <= sample_i} / n: the rank within the sample itself, ties counted high.
/// A NaN gets p = 1 and counts as smaller than everything.
std::vector<double> right_tail_ranks(std::span<const double> sample);

/// Fallback p-values of router logits, row-major [num_tokens, num_experts].
/// Several tokens: each expert's rank among the batch's tokens (by column), 1 - rank / num_tokens.
/// One token: each expert's rank among the token's experts, 1 - rank / num_experts.
std::vector<double> empirical_p_values(std::span<const double> logits, std::size_t num_tokens,
                                       std::size_t num_experts);

}  // namespace bhroute::stats
