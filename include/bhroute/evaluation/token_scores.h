#pragma once
// Scores of one position: its row of output logits against the token that follows, and against another row.

#include <cstddef>
#include <span>

namespace bhroute::evaluation {

/// What turns a row of logits into log-probabilities.
struct RowSummary {
  float max = 0.0F;
  std::size_t argmax = 0;  ///< the first of equals
  double log_sum = 0.0;    ///< log of the sum of exp(logit - max)
};

/// llama-perplexity's arithmetic, so that perplexities agree to every printed digit: the maximum and
/// exp(logit - max) in float, their sum in double, in the order of the vocabulary.
RowSummary summarize_row(std::span<const float> logits) noexcept;

/// -log softmax(logits)[token], in nats.
double token_loss(std::span<const float> logits, const RowSummary& summary, std::size_t token) noexcept;

/// KL(own || policy) of two rows of one vocabulary: sum of p_own (log p_own - log p_policy), in nats.
/// 0 up to rounding (it may come out a little below) where both say the same.
double kl_divergence(std::span<const float> own, const RowSummary& own_summary, std::span<const float> policy,
                     const RowSummary& policy_summary) noexcept;

}  // namespace bhroute::evaluation
