#include "bhroute/core/logits_view.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace bhroute {

namespace {

std::string in_words(std::span<const std::size_t> shape) {
  return fmt::format("[{}]", fmt::join(shape, ", "));
}

}  // namespace

Result<void> check_logits_shape(std::span<const std::size_t> shape) {
  if (shape.size() != 2 && shape.size() != 3)
    return invalid_input("router_logits", "wrong rank", in_words(shape),
                         "[num_tokens, num_experts] or [batch, seq, num_experts]");
  if (shape.back() == 0)
    return invalid_input("router_logits", "no experts", in_words(shape), "num_experts >= 1");
  return {};
}

Result<LogitsView> view_logits(std::span<const float> values, std::span<const std::size_t> shape) {
  if (auto ok = check_logits_shape(shape); !ok) return tl::make_unexpected(ok.error());
  const std::size_t num_experts = shape.back();
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
                         fmt::format("{} values for {}", values.size(), in_words(shape)),
                         "the product of the shape");
  return LogitsView{values.data(), num_tokens, num_experts, num_experts};
}

}  // namespace bhroute
