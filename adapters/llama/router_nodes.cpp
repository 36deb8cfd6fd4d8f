#include "llama/router_nodes.h"

#include <charconv>
#include <cstring>

namespace bhroute::llama {
namespace {

using Layer = RouterNodes::Layer;

void learn_gates(const ggml_tensor& node, std::string_view stem, Layer& layer) {
  if (stem != "ffn_moe_probs") {  // ffn_moe_probs_biased, ffn_moe_probs_masked
    layer.ranks_by_logit = false;
  } else if (node.op == GGML_OP_SOFT_MAX) {
    layer.gating = Gating::softmax;
  } else if (node.op == GGML_OP_UNARY && ggml_get_unary_op(&node) == GGML_UNARY_OP_SIGMOID) {
    layer.gating = Gating::sigmoid;
  } else if (node.op == GGML_OP_ADD || node.op == GGML_OP_MUL_MAT) {
    layer.logits = node.name;  // a softmax after the selection: the logits, renamed
  }
}

void learn_groups(const ggml_tensor& node, Layer& layer) {
  layer.groups_used = static_cast<std::size_t>(node.ne[0]);
  layer.num_groups = static_cast<std::size_t>(node.view_src->ne[0]);
}

void learn_chain(const ggml_tensor& node, std::string_view stem, Layer& layer) {
  if (node.op == GGML_OP_GET_ROWS) layer.gather = node.name;
  if (node.op == GGML_OP_CLAMP)
    std::memcpy(&layer.chain.smallest_sum, node.op_params, sizeof layer.chain.smallest_sum);
  if (stem.starts_with("ffn_moe_weights_sum")) {
    layer.chain.normalizes = true;
    return;
  }
  if (stem == "ffn_moe_weights_softmax") {
    layer.chain.softmax = true;
    layer.gating = Gating::softmax_selected;
  }
  if (node.op == GGML_OP_SCALE)
    std::memcpy(&layer.chain.scale, node.op_params, sizeof layer.chain.scale);
  layer.weights = node.name;
}

}  // namespace

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
  if (name->stem.starts_with("ffn_moe_logits"))
    layers_[name->layer].logits = node->name;
  else if (name->stem.starts_with("ffn_moe_probs"))
    learn_gates(*node, name->stem, layers_[name->layer]);
  else if (name->stem == "ffn_moe_group_topk" && node->view_src != nullptr)
    learn_groups(*node, layers_[name->layer]);
  else if (name->stem.starts_with("ffn_moe_weights"))
    learn_chain(*node, name->stem, layers_[name->layer]);
}

const RouterNodes::Layer* RouterNodes::layer(int index) const {
  const auto it = layers_.find(index);
  return it == layers_.end() ? nullptr : &it->second;
}

}  // namespace bhroute::llama
