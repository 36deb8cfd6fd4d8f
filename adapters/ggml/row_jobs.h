#pragma once
// The two steps that ggml has no operation for, run by the inner backend's threads as custom
// operations: the input rows of the selected pairs one behind the other, and the weighted sum of
// each token's pairs.

#include <ggml.h>

#include <cstddef>
#include <cstdint>

namespace bhroute::ggml {

/// Row i of the result is the input row of token tokens[i].
struct GatherJob {
  const char* input = nullptr;  ///< token t's row at input + t * stride bytes
  std::size_t stride = 0;
  const std::int32_t* tokens = nullptr;  ///< [num_pairs]
};
/// Signature of ggml_custom_op_t; `job` is a GatherJob.
void gather_rows(ggml_tensor* result, int thread, int num_threads, void* job);

/// Row t of the result is the sum over token t's pairs p of weights[p] times row p, each product
/// and each sum rounded, in order of p, as the graph's own nodes do. No pairs: zeros.
struct WeightedSumJob {
  const float* rows = nullptr;         ///< [num_pairs, d]
  const float* weights = nullptr;      ///< [num_pairs]
  const std::size_t* first = nullptr;  ///< [num_tokens + 1], relative to base
  std::size_t base = 0;                ///< first[t] - base indexes rows and weights
};
/// `job` is a WeightedSumJob; the result is [d, num_tokens].
void sum_weighted_rows(ggml_tensor* result, int thread, int num_threads, void* job);

}  // namespace bhroute::ggml
