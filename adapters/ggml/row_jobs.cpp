#include "ggml/row_jobs.h"

#include <algorithm>
#include <cstring>

namespace bhroute::ggml {
namespace {

struct Range {
  std::size_t begin = 0, end = 0;
};

// A thread's share of `size` things, in whole blocks.
Range share(std::size_t size, std::size_t block, int thread, int num_threads) {
  const std::size_t blocks = (size + block - 1) / block;
  const auto at = [&](int i) {
    return std::min(
        size, blocks * static_cast<std::size_t>(i) / static_cast<std::size_t>(num_threads) * block);
  };
  return {at(thread), at(thread + 1)};
}

void sum_token(const WeightedSumJob& job, std::size_t token, std::size_t d, Range columns,
               float* out) {
  const std::size_t begin = job.first[token] - job.base, end = job.first[token + 1] - job.base;
  if (begin == end) return std::fill(out + columns.begin, out + columns.end, 0.0f);
  for (std::size_t p = begin; p < end; ++p) {
    const float* row = job.rows + p * d;
    const float weight = job.weights[p];
    if (p == begin)
      for (std::size_t c = columns.begin; c < columns.end; ++c) out[c] = row[c] * weight;
    else
      for (std::size_t c = columns.begin; c < columns.end; ++c) out[c] = out[c] + row[c] * weight;
  }
}

}  // namespace

void gather_rows(ggml_tensor* result, int thread, int num_threads, void* data) {
  const auto& job = *static_cast<const GatherJob*>(data);
  const std::size_t size = static_cast<std::size_t>(result->ne[0]) * sizeof(float);
  const Range rows =
      share(static_cast<std::size_t>(result->ne[1] * result->ne[2]), 1, thread, num_threads);
  for (std::size_t i = rows.begin; i < rows.end; ++i)
    std::memcpy(static_cast<char*>(result->data) + i * size,
                job.input + static_cast<std::size_t>(job.tokens[i]) * job.stride, size);
}

void sum_weighted_rows(ggml_tensor* result, int thread, int num_threads, void* data) {
  constexpr std::size_t kCacheLine = 16;  // floats
  const auto& job = *static_cast<const WeightedSumJob*>(data);
  const auto d = static_cast<std::size_t>(result->ne[0]);
  const auto num_tokens = static_cast<std::size_t>(result->ne[1]);
  const bool by_tokens = num_tokens >= static_cast<std::size_t>(num_threads);
  const Range tokens = by_tokens ? share(num_tokens, 1, thread, num_threads) : Range{0, num_tokens};
  const Range columns = by_tokens ? Range{0, d} : share(d, kCacheLine, thread, num_threads);
  for (std::size_t t = tokens.begin; t < tokens.end; ++t)
    sum_token(job, t, d, columns,
              reinterpret_cast<float*>(static_cast<char*>(result->data) + t * result->nb[1]));
}

}  // namespace bhroute::ggml
