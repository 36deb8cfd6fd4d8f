#pragma once
// What an architecture does to the gathered gates of the selected experts before it multiplies by
// them, run by ggml itself on any number of selected experts: so the weights are, bit for bit,
// those of a graph with that many slots.

#include <ggml-backend.h>
#include <ggml.h>

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "bhroute/core/error.h"

namespace bhroute::llama {

struct WeightsChain {
  bool softmax = false;       ///< over the selected
  bool normalizes = false;    ///< divides by their sum
  float smallest_sum = 0.0f;  ///< and by no less than this
  float scale = 1.0f;

  bool is_trivial() const { return !softmax && !normalizes && scale == 1.0f; }
};

class ChainReplay {
 public:
  /// `weights` [num_tokens, count], gates in, weights out. Errors (failure): no CPU backend, ggml
  /// fails.
  Result<void> run(const WeightsChain& chain, std::size_t count, std::span<float> weights);
  /// Ragged rows: token t's values are [first[t], first[t+1]).
  Result<void> run_rows(const WeightsChain& chain, std::span<const std::size_t> first,
                        std::span<float> weights);

 private:
  using Backend = std::unique_ptr<ggml_backend, decltype(&ggml_backend_free)>;
  Backend backend_{nullptr, &ggml_backend_free};
  std::vector<std::byte> arena_;
  std::vector<float> sums_, group_;
};

}  // namespace bhroute::llama
