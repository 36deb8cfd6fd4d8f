#include "llama/router_nodes.h"

#include <charconv>
#include <cstring>

namespace bhroute::llama {

std::optional<NodeName> parse_node_name(std::string_view name) {
  const std::size_t dash = name.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  NodeName parsed{name.substr(0, dash)};
  const char* begin = name.data() + dash + 1;
  const auto [end, error] = std::from_chars(begin, name.data() + name.size(), parsed.layer);
  const std::string_view rest(end, name.data() + name.size());
  if (error != std::errc{} || !(rest.empty() || rest.starts_with(' '))) return std::nullopt;
  return parsed;
}

void RouterNodes::learn(const ggml_tensor* node) {
  ++num_nodes_;
  const auto name = parse_node_name(node->name);
  if (!name || !name->stem.starts_with("ffn_moe_")) return;
  if (name->stem.starts_with("ffn_moe_logits")) layers_[name->layer].logits = node->name;
  if (node->op == GGML_OP_RESHAPE && name->stem == "ffn_moe_probs")
    return;  // the same values, gathered from
  if (name->stem == "ffn_moe_probs")
    layers_[name->layer].softmax_gating = node->op == GGML_OP_SOFT_MAX;
  if (!name->stem.starts_with("ffn_moe_weights")) return;
  Layer& layer = layers_[name->layer];
  if (name->stem.starts_with("ffn_moe_weights_sum")) {
    layer.normalizes = true;
    return;
  }
  if (name->stem == "ffn_moe_weights_softmax")
    layer.normalizes = true, layer.softmax_gating = false;
  if (node->op == GGML_OP_SCALE) std::memcpy(&layer.scale, node->op_params, sizeof layer.scale);
  layer.weights = node->name;
}

const RouterNodes::Layer* RouterNodes::layer(int index) const {
  const auto it = layers_.find(index);
  return it == layers_.end() ? nullptr : &it->second;
}

}  // namespace bhroute::llama
