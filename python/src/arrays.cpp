#include "arrays.h"

#include <fmt/format.h>

namespace bhroute::python {
namespace {

/// The distance from token to token, if there is one: a batch's sequences must follow each other
/// evenly.
std::size_t token_stride(const AnyArray& logits) {
  const std::size_t last = logits.ndim() - 1;
  if (logits.shape(last) > 1 && logits.stride(last) != 1)
    throw nb::value_error(
        "logits: a token's logits do not lie side by side, want a contiguous last dimension");
  const bool batched = logits.ndim() == 3 && logits.shape(0) > 1;
  const auto inner = logits.stride(last - 1);
  if (batched && logits.shape(1) > 1 &&
      logits.stride(0) != inner * static_cast<std::int64_t>(logits.shape(1)))
    throw nb::value_error(
        "logits: the batch's rows are not evenly spaced, want a view that reshapes to [tokens, "
        "experts]");
  const auto stride = batched && logits.shape(1) == 1 ? logits.stride(0) : inner;
  if (stride < 0) throw nb::value_error("logits: rows run backwards, want a positive stride");
  return static_cast<std::size_t>(stride);
}

}  // namespace

LogitsArgument read_logits(const AnyArray& logits) {
  if (logits.dtype() != nb::dtype<float>())
    throw nb::type_error("logits: wrong dtype, want float32");
  if (logits.ndim() != 2 && logits.ndim() != 3)
    throw nb::value_error(
        fmt::format("logits: wrong number of dimensions, got {}, want [tokens, experts] or "
                    "[batch, seq, experts]",
                    logits.ndim())
            .c_str());
  LogitsArgument argument;
  std::size_t num_tokens = 1;
  for (std::size_t d = 0; d + 1 < logits.ndim(); ++d) {
    argument.leading.push_back(logits.shape(d));
    num_tokens *= logits.shape(d);
  }
  const std::size_t num_experts = logits.shape(logits.ndim() - 1);
  if (num_experts == 0) throw nb::value_error("logits: no experts, got a last dimension of 0");
  argument.view = {static_cast<const float*>(logits.data()), num_tokens, num_experts,
                   token_stride(logits)};
  return argument;
}

Shape with_last(const Shape& leading, std::size_t last) {
  Shape shape = leading;
  shape.push_back(last);
  return shape;
}

}  // namespace bhroute::python
