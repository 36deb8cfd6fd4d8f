#include "llama/router_tap.h"

#include <fmt/format.h>
#include <ggml-backend.h>

#include <utility>

namespace bhroute::llama {
namespace {

// Down the weights chain (normalisation, scale, reshapes) to the gather that reads the chosen ids.
ggml_tensor* find_gather(ggml_tensor* node) {
  while (node != nullptr && node->op != GGML_OP_GET_ROWS) node = node->src[0];
  return node;
}

// The ids are a view of the whole argsort: all experts, best first.
ggml_tensor* sorted_experts(ggml_tensor* gather) {
  ggml_tensor* ids = gather->src[1];
  return ids->view_src != nullptr ? ids->view_src : ids;
}

LogitsView view(const std::vector<float>& logits, std::size_t num_tokens, std::size_t num_experts) {
  return {logits.data(), num_tokens, num_experts, num_experts};
}

}  // namespace

void RouterTap::start_learning() {
  nodes_ = RouterNodes{};
  learning_ = true;
}

bool RouterTap::on_node(ggml_tensor* node, bool ask, void* self) {
  auto& tap = *static_cast<RouterTap*>(self);
  if (ask) {
    if (tap.learning_) tap.nodes_.learn(node);
    return !tap.learning_ && tap.wants(node);
  }
  const auto name = parse_node_name(node->name);
  if (name->stem.starts_with("ffn_moe_logits"))
    tap.read_logits(node, name->layer);
  else
    tap.edit_weights(node, name->layer);
  return true;  // false would stop the rest of the split
}

bool RouterTap::wants(const ggml_tensor* node) const {
  if (!edits() && observer_ == nullptr) return false;
  const auto name = parse_node_name(node->name);
  if (!name || !name->stem.starts_with("ffn_moe_")) return false;
  const RouterNodes::Layer* layer = nodes_.layer(name->layer);
  if (layer == nullptr) return false;
  return layer->logits == node->name || (edits() && layer->weights == node->name);
}

void RouterTap::read_logits(const ggml_tensor* node, int layer) {
  layer_ = layer;
  num_tokens_ = static_cast<std::size_t>(node->ne[1]);
  logits_.resize(num_tokens_ * model_.num_experts);
  // Copied: the softmax may overwrite them in place. A layer without tokens is a normal case.
  if (num_tokens_ > 0)
    ggml_backend_tensor_get(node, logits_.data(), 0, logits_.size() * sizeof(float));
  if (edits()) decide(layer);
  if (observer_ != nullptr)
    observer_->on_layer(layer, view(logits_, num_tokens_, model_.num_experts),
                        policy_ != nullptr && !error_ ? &decision_ : nullptr);
  keep_own_where_unroutable();
}

void RouterTap::decide(int layer) {
  if (policy_ == nullptr) return decide_own_top_k();
  const auto routed =
      policy_->route(view(logits_, num_tokens_, model_.num_experts), layer,
                     {.dense_weights = false, .stats = false, .allow_unroutable = true}, decision_);
  if (!routed) {
    fail(routed.error());
    decide_own_top_k();
  }
}

// The engine's own choice is the first top_k of its slots: every row is left "unroutable".
void RouterTap::decide_own_top_k() {
  decision_.max_k = 0;
  decision_.num_selected.assign(num_tokens_, -1);
}

// Tokens of NaNs keep the model's own top_k. After the observer, who counts them apart.
void RouterTap::keep_own_where_unroutable() {
  for (std::size_t token : decision_.unroutable_tokens) decision_.num_selected[token] = -1;
  decision_.unroutable_tokens.clear();
}

void RouterTap::edit_weights(ggml_tensor* node, int layer_index) {
  const std::size_t num_tokens = num_tokens_;
  if (num_tokens == 0) return;
  ggml_tensor* gather = find_gather(node);
  ggml_tensor* sorted = gather == nullptr ? nullptr : sorted_experts(gather);
  const std::size_t num_ids = num_tokens * model_.num_experts;
  if (layer_index != layer_ || sorted == nullptr ||
      static_cast<std::size_t>(ggml_nelements(sorted)) != num_ids ||
      static_cast<std::size_t>(ggml_nelements(node)) != num_tokens * slots_)
    return fail({ErrorKind::failure, fmt::format("layer {}", layer_index),
                 "the graph's router has an unknown form", "", ""});
  ids_.resize(num_ids);
  weights_.resize(num_tokens * slots_);
  ggml_backend_tensor_get(sorted, ids_.data(), 0, num_ids * sizeof(std::int32_t));
  ggml_backend_tensor_get(node, weights_.data(), 0, weights_.size() * sizeof(float));
  apply(*nodes_.layer(layer_index), num_tokens, ids_, weights_);
  ggml_backend_tensor_set(sorted, ids_.data(), 0, num_ids * sizeof(std::int32_t));
  ggml_backend_tensor_set(node, weights_.data(), 0, weights_.size() * sizeof(float));
}

void RouterTap::apply(const RouterNodes::Layer& layer, std::size_t num_tokens,
                      std::vector<std::int32_t>& ids, std::vector<float>& weights) {
  const bool native =
      policy_ == nullptr || (policy_->spec().weights == routing::WeightRule::native &&
                             policy_->spec().temperature == 1.0);
  for (std::size_t t = 0; t < num_tokens; ++t) {
    const TokenSlots slots{{ids.data() + t * model_.num_experts, model_.num_experts},
                           {weights.data() + t * slots_, slots_}};
    const std::int32_t selected = decision_.num_selected[t];
    const bool own = selected < 0;
    const std::size_t count =
        own ? std::min(slots_, model_.top_k) : static_cast<std::size_t>(selected);
    const std::vector<std::int32_t> own_ids(
        slots.ids.begin(), slots.ids.begin() + static_cast<std::ptrdiff_t>(own ? count : 0));
    const std::int32_t* chosen =
        own ? own_ids.data() : decision_.expert_ids.data() + t * decision_.max_k;
    const float* routed = own ? nullptr : decision_.routing_weights.data() + t * decision_.max_k;
    editor_.apply(slots, {chosen, count}, {routed, own ? 0 : count},
                  {native || own, layer.normalizes, layer.scale});
  }
}

void RouterTap::fail(Error error) {
  if (!error_) error_ = std::move(error);
}

std::optional<Error> RouterTap::take_error() { return std::exchange(error_, std::nullopt); }

}  // namespace bhroute::llama
