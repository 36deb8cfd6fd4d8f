#pragma once
// A view of router logits: rows are tokens, columns are experts. Owns nothing.

#include <cstddef>
#include <span>

#include "bhroute/core/error.h"

namespace bhroute {

/// float32 [num_tokens, num_experts]; token t begins at data + t * token_stride (in floats).
struct LogitsView {
  const float* data = nullptr;
  std::size_t num_tokens = 0;
  std::size_t num_experts = 0;
  std::size_t token_stride = 0;

  std::span<const float> token(std::size_t t) const { return {data + t * token_stride, num_experts}; }
};

/// Errors: another rank than 2 or 3, or a zero number of experts.
Result<void> check_logits_shape(std::span<const std::size_t> shape);

/// A contiguous view of shape [num_tokens, num_experts] or [batch, seq, num_experts].
/// Errors: any other rank, a zero number of experts, or `values.size()` not the product of the shape.
Result<LogitsView> view_logits(std::span<const float> values, std::span<const std::size_t> shape);

}  // namespace bhroute
