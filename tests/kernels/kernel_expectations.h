#pragma once
// Room for a kernel's outputs and what they must be, whichever processor ran it.

#include <gtest/gtest.h>

#include <limits>
#include <random>
#include <vector>

#include "bhroute/kernels/routing_kernels.h"
#include "kernels/kernel_oracle.h"
#include "kernels/logit_shapes.h"
#include "kernels/ulp.h"

namespace bhroute::testing {

/// Room for the outputs of `num_tokens` rows of `max_k` slots, filled with what no kernel writes.
struct Outputs {
  Outputs(std::size_t num_tokens, std::size_t max_k)
      : ids(num_tokens * max_k, -7), weights(num_tokens * max_k, -7.0f), counts(num_tokens, -7) {}
  kernels::RouteOutputs view() { return {ids.data(), weights.data(), counts.data()}; }
  std::vector<std::int32_t> ids;
  std::vector<float> weights;
  std::vector<std::int32_t> counts;
};

/// The row of slots is exactly `ids` with the oracle's weights, then padding.
inline ::testing::AssertionResult row_is(const kernels::RouteInputs& in, std::size_t t,
                                         std::size_t max_k, const Outputs& got,
                                         const std::vector<std::int32_t>& ids, int ulps = 4) {
  const auto weights = softmax_weights(in, in.logits + t * in.token_stride, ids);
  if (got.counts[t] != static_cast<std::int32_t>(ids.size())) {
    return ::testing::AssertionFailure() << "selected " << got.counts[t] << ", want " << ids.size();
  }
  for (std::size_t i = 0; i < max_k; ++i) {
    const std::int32_t id = i < ids.size() ? ids[i] : -1;
    const float weight = i < ids.size() ? weights[i] : 0.0f;
    if (got.ids[t * max_k + i] != id || !weights_agree(got.weights[t * max_k + i], weight, ulps)) {
      return ::testing::AssertionFailure()
             << "slot " << i << ": expert " << got.ids[t * max_k + i] << " weight "
             << got.weights[t * max_k + i] << ", want " << id << " " << weight;
    }
  }
  return ::testing::AssertionSuccess();
}

inline std::vector<std::int32_t> oracle_step_up(const float* logits, const float* statistic,
                                                const std::vector<float>& critical,
                                                std::size_t min_k, std::size_t max_k) {
  auto ids = largest_first(logits, critical.size());
  const std::size_t want = std::clamp(count_passed(statistic, critical), min_k, max_k);
  ids.resize(std::min(want, ids.size()));
  return ids;
}

/// Non-increasing from `highest` down to `lowest`, the first `num_nan` ranks impossible.
inline std::vector<float> falling(std::size_t n, float highest, float lowest,
                                  std::size_t num_nan = 0) {
  std::vector<float> critical(n);
  for (std::size_t k = 0; k < n; ++k) {
    const float share = n == 1 ? 0.0f : static_cast<float>(k) / static_cast<float>(n - 1);
    critical[k] = k < num_nan ? std::numeric_limits<float>::quiet_NaN()
                              : highest + (lowest - highest) * share;
  }
  return critical;
}

inline std::vector<float> random_logits(Shape shape, std::size_t tokens, std::size_t n,
                                        unsigned seed) {
  std::mt19937 random(seed);
  std::vector<float> logits(tokens * n);
  fill_row(shape, random, logits.data(), logits.size());
  return logits;
}

}  // namespace bhroute::testing
