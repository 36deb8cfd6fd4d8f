#include "ggml/node_name.h"

#include <algorithm>
#include <charconv>

namespace bhroute::ggml {

std::optional<MoeName> parse_moe_name(const char* text) noexcept {
  constexpr std::string_view kPrefix = "ffn_moe_";
  const std::string_view name(text);
  const std::size_t dash = name.find('-');
  if (!name.starts_with(kPrefix) || dash == std::string_view::npos) return std::nullopt;
  MoeName parsed{name.substr(kPrefix.size(), dash - kPrefix.size())};
  const char* end = name.data() + name.size();
  const auto [rest, error] = std::from_chars(name.data() + dash + 1, end, parsed.layer);
  if (error != std::errc{} || (rest != end && *rest != ' ')) return std::nullopt;
  return parsed;
}

std::string_view moe_stem(const ggml_tensor* node) noexcept {
  const auto name = parse_moe_name(node->name);
  return name ? name->stem : std::string_view{};
}

bool is_any_of(std::string_view stem, std::initializer_list<std::string_view> stems) noexcept {
  return std::find(stems.begin(), stems.end(), stem) != stems.end();
}

bool is_view_like(const ggml_tensor* node) noexcept {
  switch (node->op) {
    case GGML_OP_NONE:
    case GGML_OP_RESHAPE:
    case GGML_OP_VIEW:
    case GGML_OP_PERMUTE:
    case GGML_OP_TRANSPOSE:
      return true;
    default:
      return false;
  }
}

}  // namespace bhroute::ggml
