#include "ggml/moe_block.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "ggml/host_ggml.h"
#include "ggml/node_name.h"

namespace bhroute::ggml {
namespace {

using Nodes = std::span<ggml_tensor* const>;
using Refusal = tl::unexpected<std::string>;
using Matched = tl::expected<void, std::string>;

Refusal refuse(std::string reason) { return Refusal(std::move(reason)); }

bool contains(const auto& nodes, const ggml_tensor* node) {
  return std::find(nodes.begin(), nodes.end(), node) != nodes.end();
}

float op_param(const ggml_tensor* node, std::size_t index) {
  float value = 0.0f;
  std::memcpy(&value, &node->op_params[index], sizeof value);
  return value;
}

ggml_tensor* skip_reshapes(ggml_tensor* node) {
  while (node != nullptr && node->op == GGML_OP_RESHAPE) node = node->src[0];
  return node;
}

bool is_rows_of_floats(const ggml_tensor* t, std::size_t columns, std::size_t rows) {
  return t->type == GGML_TYPE_F32 && t->nb[0] == sizeof(float) &&
         t->ne[0] == static_cast<int64_t>(columns) && t->ne[1] == static_cast<int64_t>(rows) &&
         t->ne[2] == 1 && t->ne[3] == 1;
}

ggml_tensor* find_weighted(Nodes nodes) {
  const auto found = std::find_if(nodes.begin(), nodes.end(), [](const ggml_tensor* n) {
    return n->op == GGML_OP_MUL && moe_stem(n) == "weighted";
  });
  return found == nodes.end() ? nullptr : *found;
}

// Slot `index` of the weighted outputs, as the sum reads it.
bool is_slice(const ggml_tensor* view, const ggml_tensor* weighted, std::size_t index) {
  return view != nullptr && view->op == GGML_OP_VIEW && view->view_src == weighted &&
         view->view_offs == index * weighted->nb[1] && view->ne[0] == weighted->ne[0] &&
         view->ne[1] == weighted->ne[2] && view->nb[1] == weighted->nb[2];
}

// ((slice 0 + slice 1) + slice 2) + ...; one slice alone is copied.
Matched match_sum(Nodes nodes, const ggml_tensor* weighted, MoeBlock& block,
                  std::vector<const ggml_tensor*>& sum_nodes) {
  for (ggml_tensor* node : nodes) {
    const std::size_t index = sum_nodes.empty() ? 1 : block.num_summed;
    const bool first = sum_nodes.empty();
    if (node->op == GGML_OP_CONT && first && is_slice(node->src[0], weighted, 0))
      block.num_summed = 1;
    else if (node->op == GGML_OP_ADD && is_slice(node->src[1], weighted, index) &&
             (first ? is_slice(node->src[0], weighted, 0) : node->src[0] == sum_nodes.back()))
      block.num_summed = index + 1;
    else
      continue;
    block.output = node;
    sum_nodes.push_back(node);
  }
  if (sum_nodes.empty()) return refuse("the sum over experts was not found");
  return {};
}

// From the weights that the outputs are multiplied by, back to the gather.
Matched match_weights(const ggml_tensor* weighted, MoeBlock& block) {
  WeightsChain& chain = block.chain;
  ggml_tensor* node = skip_reshapes(weighted->src[1]);
  block.weights = weighted->src[1];
  const auto step_back = [&](ggml_tensor* to) {
    chain.nodes.push_back(node);
    node = skip_reshapes(to);
  };
  if (node->op == GGML_OP_SCALE) {
    if (op_param(node, 1) != 0.0f) return refuse("the weights have an offset");
    chain.scale = op_param(node, 0);
    step_back(node->src[0]);
  }
  if (node->op == GGML_OP_DIV) {
    const ggml_tensor* clamp = node->src[1];
    const ggml_tensor* sum = clamp->op == GGML_OP_CLAMP ? clamp->src[0] : nullptr;
    if (sum == nullptr || sum->op != GGML_OP_SUM_ROWS || sum->src[0] != node->src[0])
      return refuse("the weights are divided by something other than their sum");
    chain.normalizes = true;
    chain.smallest_sum = op_param(clamp, 0);
    chain.nodes.insert(chain.nodes.end(), {clamp, sum});
    step_back(node->src[0]);
  }
  if (node->op == GGML_OP_SOFT_MAX) {
    if (node->src[1] != nullptr || op_param(node, 0) != 1.0f)
      return refuse("the softmax over the selected experts is masked or scaled");
    chain.softmax = true;
    step_back(node->src[0]);
  }
  if (node->op != GGML_OP_GET_ROWS)
    return refuse(fmt::format("the weights come from {}", host.ggml_op_name(node->op)));
  chain.nodes.push_back(node);
  block.gates = skip_reshapes(node->src[0]);
  block.ids = node->src[1];
  return {};
}

Matched match_router(Nodes nodes, MoeBlock& block) {
  const ggml_tensor* ids = block.ids;
  if (ids->op != GGML_OP_VIEW || ids->view_offs != 0 || ids->src[0]->op != GGML_OP_ARGSORT)
    return refuse("the experts are not the first of a sorted list of all");
  block.sorted = ids->src[0];
  block.scores = block.sorted->src[0];
  const auto end = std::find(nodes.begin(), nodes.end(), block.sorted);
  if (end == nodes.end()) return refuse("the experts are ranked outside the split");
  std::copy_if(nodes.begin(), end + 1, std::back_inserter(block.router_nodes),
               [](const ggml_tensor* n) { return !is_view_like(n); });
  // The gates are made of the logits by one function, or are the logits.
  const bool own_gates = contains(block.router_nodes, block.gates);
  block.logits = own_gates ? skip_reshapes(block.gates->src[0]) : block.gates;
  const std::string_view stem = moe_stem(block.logits);
  if (!is_any_of(stem, {"logits", "logits_biased"}) && !(stem == "probs" && !own_gates))
    return refuse("the router's logits were not found");
  if (own_gates && block.gates->op == GGML_OP_SOFT_MAX &&
      (block.gates->src[1] != nullptr || op_param(block.gates, 0) != 1.0f))
    return refuse("the router's softmax is masked or scaled");
  block.softmax_gating = own_gates ? block.gates->op == GGML_OP_SOFT_MAX : block.chain.softmax;
  return {};
}

bool is_replayable(const ggml_tensor* node) {
  switch (node->op) {
    case GGML_OP_MUL_MAT_ID:
    case GGML_OP_ADD_ID:
    case GGML_OP_GLU:
    case GGML_OP_UNARY:
    case GGML_OP_SQR:
    case GGML_OP_MUL:
    case GGML_OP_CLAMP:
    case GGML_OP_VIEW:
      return true;
    default:
      return false;
  }
}

// An expert node reads the block's input, other expert nodes, and weights chosen by the ids.
Matched check_expert_node(const ggml_tensor* node, const MoeBlock& block) {
  const auto is_known = [&](const ggml_tensor* t) { return contains(block.expert_nodes, t); };
  const auto refuse_node = [&](const char* why) {
    return refuse(fmt::format("{} ({}) {}", node->name, host.ggml_op_name(node->op), why));
  };
  if (node->type != GGML_TYPE_F32) return refuse_node("is not of floats");
  if (node->ne[1] != block.ids->ne[0] || node->ne[2] != block.ids->ne[1])
    return refuse_node("has another shape than the selected experts");
  switch (node->op) {
    case GGML_OP_MUL_MAT_ID:
      if (node->src[2] != block.ids) return refuse_node("takes other experts than the router's");
      if (node->src[1] != block.input && !is_known(node->src[1]))
        return refuse_node("reads something else than the block's input");
      return {};
    case GGML_OP_ADD_ID:
      if (node->src[2] != block.ids || !is_known(node->src[0]))
        return refuse_node("adds other experts' biases");
      return {};
    case GGML_OP_VIEW:
      return is_known(node->view_src) ? Matched{} : refuse_node("looks at something else");
    default:
      for (const ggml_tensor* source : node->src)
        if (source != nullptr && !is_known(source)) return refuse_node("reads something else");
      return {};
  }
}

Matched match_experts(Nodes nodes, const ggml_tensor* weighted,
                      std::span<const ggml_tensor* const> sum_nodes, MoeBlock& block) {
  for (ggml_tensor* node : nodes) {
    if (contains(block.router_nodes, node) || contains(block.chain.nodes, node) ||
        node == weighted || contains(sum_nodes, node))
      continue;
    if (is_view_like(node) && !contains(block.expert_nodes, node->view_src)) continue;
    if (!is_replayable(node))
      return refuse(fmt::format("{} ({}) is not known in this place", node->name,
                                host.ggml_op_name(node->op)));
    if (block.input == nullptr && node->op == GGML_OP_MUL_MAT_ID) block.input = node->src[1];
    if (auto fits = check_expert_node(node, block); !fits) return fits;
    block.expert_nodes.push_back(node);
  }
  block.result = weighted->src[0];
  if (!contains(block.expert_nodes, block.result))
    return refuse("the weighted outputs are not those of the experts");
  return {};
}

Matched check_shapes(MoeBlock& block) {
  block.num_experts = static_cast<std::size_t>(block.sorted->ne[0]);
  block.num_slots = static_cast<std::size_t>(block.ids->ne[0]);
  block.num_tokens = static_cast<std::size_t>(block.sorted->ne[1]);
  for (const ggml_tensor* rows : {block.logits, block.gates, block.scores})
    if (!is_rows_of_floats(rows, block.num_experts, block.num_tokens))
      return refuse(fmt::format("{} has another shape than the experts", rows->name));
  const ggml_tensor* x = block.input;
  if (x->type != GGML_TYPE_F32 || x->nb[0] != sizeof(float) || x->ne[1] != 1 ||
      x->ne[2] != static_cast<int64_t>(block.num_tokens))
    return refuse("the block's input is not one row of floats a token");
  if (block.num_summed > block.num_slots) return refuse("more slots are summed than computed");
  const ggml_tensor* out = block.output;
  if (!is_rows_of_floats(out, static_cast<std::size_t>(block.result->ne[0]), block.num_tokens))
    return refuse("the block's output has another shape than its experts'");
  for (const ggml_tensor* node : block.expert_nodes)
    if ((node->flags & GGML_TENSOR_FLAG_OUTPUT) != 0)
      return refuse(fmt::format("{} is an output of the graph", node->name));
  return {};
}

}  // namespace

tl::expected<MoeBlock, std::string> match_moe_block(Nodes nodes) {
  MoeBlock block;
  std::vector<const ggml_tensor*> sum_nodes;
  const ggml_tensor* weighted = find_weighted(nodes);
  if (weighted == nullptr) return refuse("no weighted outputs of experts in the split");
  block.layer = parse_moe_name(weighted->name)->layer;
  auto matched = match_sum(nodes, weighted, block, sum_nodes);
  if (matched) matched = match_weights(weighted, block);
  if (matched) matched = match_router(nodes, block);
  if (matched) matched = match_experts(nodes, weighted, sum_nodes, block);
  if (matched) matched = check_shapes(block);
  if (!matched) return refuse(std::move(matched.error()));
  return block;
}

}  // namespace bhroute::ggml
