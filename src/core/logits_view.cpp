#include "bhroute/core/logits_view.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace bhroute {

Result<LogitsView> view_logits(std::span<const float> values, std::span<const std::size_t> shape) {
  const std::string got = fmt::format("[{}]", fmt::join(shape, ", "));
  if (shape.size() != 2 && shape.size() != 3)
    return invalid_input("router_logits", "wrong rank", got,
                         "[num_tokens, num_experts] or [batch, seq, num_experts]");
  const std::size_t num_experts = shape.back();
  if (num_experts == 0)
    return invalid_input("router_logits", "no experts", got, "num_experts >= 1");
  std::size_t num_tokens = 1;
  for (std::size_t extent : shape.first(shape.size() - 1)) {
    if (extent != 0 && num_tokens > values.size() / extent)
      num_tokens = values.size() + 1;
    else
      num_tokens *= extent;
  }
  // Divided, not multiplied: the product of a hostile shape may wrap round to the right size.
  const bool fits = values.size() % num_experts == 0 && num_tokens == values.size() / num_experts;
  if (!fits)
    return invalid_input("router_logits", "size differs from shape",
                         fmt::format("{} values for {}", values.size(), got),
                         "the product of the shape");
  return LogitsView{values.data(), num_tokens, num_experts, num_experts};
}

}  // namespace bhroute
