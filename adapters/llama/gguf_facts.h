#pragma once
// What a GGUF's header says of its mixture of experts, read before any weight is loaded.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "bhroute/core/error.h"

namespace bhroute::llama {

/// Name and shape of a weight that a LoRA may hang on.
struct MatrixShape {
  std::string name;
  std::int64_t rows_in = 0, rows_out = 0;
};

struct GgufFacts {
  std::string architecture, name;
  std::size_t num_experts = 0, top_k = 0;
  std::size_t d_model = 0, expert_d_ff = 0, context_length = 0;
  std::size_t num_tensors = 0;
  std::vector<int> moe_layers;         ///< blk.<i>.ffn_gate_inp.weight, rising
  std::vector<MatrixShape> attention;  ///< blk.<i>.attn_*.weight, two-dimensional
};

/// Errors (invalid_input): not a file, not a GGUF, not a mixture of experts.
Result<GgufFacts> read_gguf_facts(const std::string& path);

}  // namespace bhroute::llama
