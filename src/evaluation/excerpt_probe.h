#pragma once
// A short run beside the long one: tokens of many sequences next to each other, and the same tokens
// twice.

#include <vector>

#include "bhroute/evaluation/model_runner.h"
#include "bhroute/evaluation/run_result.h"
#include "bhroute/evaluation/scoring.h"

namespace bhroute::evaluation {

struct ProbeOptions {
  std::size_t num_excerpts = 32;  ///< at equal distances of the text; fewer where it is short
  std::size_t length = 24;        ///< tokens of an excerpt
  std::size_t warm_up = 8;        ///< its first tokens, decoded and not counted
  std::size_t num_repeated = 4;   ///< excerpts decoded a second time
};

struct Probe {
  std::vector<DistinctExperts>
      distinct_experts;  ///< batches of 1, 2, 4, ... tokens, each of another excerpt
  double determinism =
      0.0;  ///< share of choices with the same experts in the same order the second time
};

/// Routes by what the model is set to. One excerpt a decode call, so that a token's row is its
/// position whatever the engine does with batches. Errors: the engine's; a text shorter than one
/// excerpt.
Result<Probe> probe_excerpts(ModelRunner& model, const routing::Policy* policy, std::size_t own_k,
                             const WindowedText& text, const ProbeOptions& options = {});

/// Experts of one layer for each token of an excerpt.
using TokenExperts = std::vector<std::vector<std::int32_t>>;

/// Mean over groups of `batch` excerpts and positions from `warm_up` on of the number of different
/// experts that the group's tokens at a position select. `excerpts` are of one layer.
double mean_distinct(const std::vector<TokenExperts>& excerpts, std::size_t batch,
                     std::size_t warm_up);

}  // namespace bhroute::evaluation
