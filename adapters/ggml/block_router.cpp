#include "ggml/block_router.h"

#include <algorithm>

#include "ggml/host_policy.h"
#include "ggml/node_name.h"

namespace bhroute::ggml {
namespace {

constexpr std::size_t kMostSplits = 4096;

std::span<ggml_tensor* const> nodes_of(ggml_cgraph* graph) {
  return {host.ggml_graph_nodes(graph), static_cast<std::size_t>(host.ggml_graph_n_nodes(graph))};
}

bool contains(const auto& range, const auto& value) {
  return std::find(range.begin(), range.end(), value) != range.end();
}

int layer_in(std::span<ggml_tensor* const> nodes) {
  for (const ggml_tensor* node : nodes)
    if (const auto name = parse_moe_name(node->name)) return name->layer;
  return -1;
}

const ggml_tensor* last_of_chain(const MoeBlock& block) {
  const ggml_tensor* node = block.weights;
  while (node->op == GGML_OP_RESHAPE) node = node->src[0];
  return node;
}

routing::RouterFacts facts_of(const MoeBlock& block) {
  return {block.num_experts, block.num_summed, block.chain.normalizes || block.chain.softmax};
}

}  // namespace

void BlockRouter::learn(ggml_cgraph* graph) {
  is_shown_splits_ = true;
  const auto nodes = nodes_of(graph);
  if (nodes.empty()) return;
  if (splits_.size() >= kMostSplits) splits_.clear();  // of graphs long gone
  splits_.insert_or_assign(nodes.front(), Split{nodes.size(), match_moe_block(nodes)});
}

const BlockRouter::Split* BlockRouter::known_split(Nodes nodes) {
  if (is_shown_splits_) {
    const auto found = splits_.find(nodes.front());
    return found != splits_.end() && found->second.num_nodes == nodes.size() ? &found->second
                                                                             : nullptr;
  }
  unshown_ = {nodes.size(), match_moe_block(nodes)};  // an older host
  return &unshown_;
}

const MoeBlock* BlockRouter::block_with(const ggml_tensor* node) const {
  const auto name = parse_moe_name(node->name);
  for (const auto& [first, split] : splits_) {
    if (!split.block || (name && name->layer != split.block->layer)) continue;
    const MoeBlock& block = *split.block;
    if (contains(block.router_nodes, node) || contains(block.chain.nodes, node) ||
        contains(block.expert_nodes, node))
      return &block;
  }
  return nullptr;
}

std::shared_ptr<const routing::Policy> BlockRouter::policy_for(const MoeBlock& block) {
  auto policy = policies_.policy_for(facts_of(block));
  std::string reason;
  if (!policy)
    reason = to_string(policy.error());
  else if (*policy == nullptr)
    reason = "there is no policy (BHROUTE_POLICY is not set, or was refused)";
  else
    reason = RoutingWeights::why_not(block, (*policy)->spec());
  if (reason.empty()) return std::move(*policy);
  if (policy && *policy == nullptr && policies_.is_set_from_within()) return nullptr;  // as wished
  statistics_.count_untouched(block.layer, reason);
  return nullptr;
}

ggml_status BlockRouter::compute(ggml_cgraph* graph) {
  const Nodes nodes = nodes_of(graph);
  if (nodes.empty()) return GGML_STATUS_SUCCESS;
  const Split* split = known_split(nodes);
  const MoeBlock* block = nullptr;
  if (split == nullptr) {
    for (std::size_t i = 0; i < nodes.size() && block == nullptr; ++i) block = block_with(nodes[i]);
  } else if (split->block) {
    block = &*split->block;
  } else {
    statistics_.count_untouched(layer_in(nodes), split->block.error());
  }
  if (block == nullptr || block->num_tokens == 0 || block->is_warm_up())
    return inner_.compute(graph);
  const auto policy = policy_for(*block);
  if (policy == nullptr) return inner_.compute(graph);
  return split != nullptr ? route(*block, *policy, nodes)
                          : compute_single_nodes(*block, *policy, nodes);
}

// Copied: the router's function may overwrite them in place.
void BlockRouter::keep_logits(const MoeBlock& block) {
  logits_.resize(block.num_tokens * block.num_experts);
  for (std::size_t t = 0; t < block.num_tokens; ++t)
    std::ranges::copy(row_of<float>(block.logits, t),
                      logits_.begin() + static_cast<std::ptrdiff_t>(t * block.num_experts));
}

ggml_status BlockRouter::choose(const MoeBlock& block, const routing::Policy& policy,
                                std::size_t most_experts) {
  const LogitsView logits{logits_.data(), block.num_tokens, block.num_experts, block.num_experts};
  const auto routed =
      policy.route(logits, block.layer,
                   {.dense_weights = false, .stats = false, .allow_unroutable = true}, decision_);
  if (!routed) {
    statistics_.count_untouched(block.layer, to_string(routed.error()));
    return GGML_STATUS_FAILED;
  }
  select_pairs(block, logits, decision_, most_experts, selection_);
  const ggml_status status = weights_.fill(block, policy, decision_, inner_, selection_);
  if (const auto* host = dynamic_cast<const HostPolicy*>(&policy);
      host != nullptr && status == GGML_STATUS_SUCCESS)
    host->tell(block.layer, selection_);
  return status;
}

void BlockRouter::count(const MoeBlock& block, std::size_t computed_pairs, Clock::duration whole,
                        Clock::duration choosing) {
  statistics_.count({.layer = block.layer,
                     .num_tokens = block.num_tokens,
                     .pairs = selection_.num_pairs(),
                     .own_pairs = block.num_tokens * block.num_summed,
                     .computed_pairs = computed_pairs,
                     .choosing = choosing,
                     .block = whole});
}

ggml_status BlockRouter::route(const MoeBlock& block, const routing::Policy& policy, Nodes nodes) {
  const auto start = Clock::now();
  keep_logits(block);
  constexpr std::size_t kFewTokens = 8;
  const ggml_status ranked = block.num_tokens <= kFewTokens
                                 ? inner_.compute_alone(block.router_nodes)
                                 : inner_.compute(block.router_nodes);
  if (ranked != GGML_STATUS_SUCCESS) return ranked;
  const auto scored = Clock::now();
  if (choose(block, policy, block.num_experts) != GGML_STATUS_SUCCESS) {
    const auto rest = std::find(nodes.begin(), nodes.end(), block.sorted) + 1;
    return inner_.compute(Nodes(rest, nodes.end()));
  }
  const auto choosing = Clock::now() - scored;
  const ggml_status status = experts_.run(block, selection_, inner_);
  if (status == GGML_STATUS_SUCCESS)
    count(block, selection_.num_pairs(), Clock::now() - start, choosing);
  return status;
}

// The graph's own slots get the selection: the selected experts first, the others with weight 0
// behind them, each expert once (repacked kernels overflow where one is repeated).
void BlockRouter::write_slots(const MoeBlock& block) {
  for (std::size_t t = 0; t < block.num_tokens; ++t) {
    const auto order = row_of<std::int32_t>(block.sorted, t);
    auto* row = const_cast<std::int32_t*>(order.data());
    const auto selected = selection_.experts_of(t);
    std::stable_partition(row, row + order.size(),
                          [&](std::int32_t expert) { return contains(selected, expert); });
  }
}

void BlockRouter::write_weights(const MoeBlock& block) const {
  for (std::size_t t = 0; t < block.num_tokens; ++t) {
    float* row = static_cast<float*>(block.weights->data) + t * block.num_slots;
    std::fill_n(row, block.num_slots, 0.0f);
    std::copy_n(selection_.weights.data() + selection_.first[t], selection_.count(t), row);
  }
}

// A host that wants to see single nodes (cb_eval) gets them as its graph has them: the policy
// decides, every slot is computed.
ggml_status BlockRouter::compute_single_nodes(const MoeBlock& block, const routing::Policy& policy,
                                              Nodes nodes) {
  std::size_t begin = 0;
  const auto compute_to = [&](std::size_t end) {
    const Nodes piece = nodes.subspan(begin, end - begin);
    begin = end;
    return inner_.compute(piece);
  };
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    ggml_status status = GGML_STATUS_SUCCESS;
    if (nodes[i] == block.router_nodes.front()) {
      status = compute_to(i);
      keep_logits(block);
    }
    if (nodes[i] == block.sorted && status == GGML_STATUS_SUCCESS) {
      status = compute_to(i + 1);
      is_chosen_ = status == GGML_STATUS_SUCCESS &&
                   choose(block, policy, block.num_slots) == GGML_STATUS_SUCCESS;
      if (is_chosen_) write_slots(block);
    }
    if (nodes[i] == last_of_chain(block) && status == GGML_STATUS_SUCCESS) {
      status = compute_to(i + 1);
      if (is_chosen_) write_weights(block);
      if (is_chosen_) count(block, block.num_tokens * block.num_slots, {}, {});
      is_chosen_ = false;
    }
    if (status != GGML_STATUS_SUCCESS) return status;
  }
  return compute_to(nodes.size());
}

}  // namespace bhroute::ggml
