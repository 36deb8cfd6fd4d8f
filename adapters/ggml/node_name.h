#pragma once
// llama.cpp names the nodes of a MoE layer "ffn_moe_<stem>-<layer>", perhaps with a suffix such as
// " (view)".

#include <ggml.h>

#include <initializer_list>
#include <optional>
#include <string_view>

namespace bhroute::ggml {

struct MoeName {
  std::string_view stem;  ///< what follows "ffn_moe_"
  int layer = -1;
};

/// nullopt for any other name.
std::optional<MoeName> parse_moe_name(const char* name) noexcept;

/// The node's stem, or "" if it has another name.
std::string_view moe_stem(const ggml_tensor* node) noexcept;

bool is_any_of(std::string_view stem, std::initializer_list<std::string_view> stems) noexcept;

/// Views, reshapes and leaves: they compute nothing.
bool is_view_like(const ggml_tensor* node) noexcept;

}  // namespace bhroute::ggml
