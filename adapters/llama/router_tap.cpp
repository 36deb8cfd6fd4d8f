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
  const int index = parse_node_name(node->name)->layer;
  const RouterNodes::Layer& layer = *tap.nodes_.layer(index);
  if (layer.logits == node->name) tap.read_logits(node, index);
  if (layer.gather == node->name && tap.edits()) tap.read_gates(node);
  if (layer.weights == node->name && tap.edits()) tap.edit_weights(node, index);
  return true;  // false would stop the rest of the split
}

bool RouterTap::wants(const ggml_tensor* node) const {
  if (!edits() && observer_ == nullptr) return false;
  const auto name = parse_node_name(node->name);
  if (!name || !name->stem.starts_with("ffn_moe_")) return false;
  const RouterNodes::Layer* layer = nodes_.layer(name->layer);
  if (layer == nullptr) return false;
  return layer->logits == node->name ||
         (edits() && (layer->gather == node->name || layer->weights == node->name));
}

void RouterTap::read_logits(const ggml_tensor* node, int layer) {
  layer_ = layer;
  num_tokens_ = static_cast<std::size_t>(node->ne[1]);
  logits_.resize(num_tokens_ * model_.num_experts);
  // Copied: the softmax may overwrite them in place. A layer without tokens is a normal case.
  if (num_tokens_ > 0)
    ggml_backend_tensor_get(node, logits_.data(), 0, logits_.size() * sizeof(float));
  if (edits())
    decide(layer);
  else
    tell(layer);
}

void RouterTap::read_gates(const ggml_tensor* node) {
  gates_.resize(static_cast<std::size_t>(ggml_nelements(node)));
  if (!gates_.empty())
    ggml_backend_tensor_get(node, gates_.data(), 0, gates_.size() * sizeof(float));
}

void RouterTap::tell(int layer) {
  if (observer_ != nullptr)
    observer_->on_layer(layer, view(logits_, num_tokens_, model_.num_experts),
                        policy_ != nullptr && !error_ ? &decision_ : nullptr);
}

void RouterTap::decide(int layer) {
  if (policy_ == nullptr) return decide_own_top_k();
  const auto routed =
      policy_->route(view(logits_, num_tokens_, model_.num_experts), layer,
                     {.dense_weights = false, .stats = false, .allow_unroutable = true}, decision_);
  if (routed) return keep_own_where_unroutable();
  fail(routed.error());
  decide_own_top_k();
}

// The engine's own choice is the first top_k of its slots: every row is left "unroutable".
void RouterTap::decide_own_top_k() {
  decision_.max_k = 0;
  decision_.num_selected.assign(num_tokens_, -1);
}

// Tokens of NaNs keep the model's own top_k.
void RouterTap::keep_own_where_unroutable() {
  for (std::size_t token : decision_.unroutable_tokens) decision_.num_selected[token] = -1;
}

bool RouterTap::is_understood(const ggml_tensor* weights, const ggml_tensor* sorted,
                              int layer) const {
  return layer == layer_ && sorted != nullptr &&
         static_cast<std::size_t>(ggml_nelements(sorted)) == num_tokens_ * model_.num_experts &&
         static_cast<std::size_t>(ggml_nelements(weights)) == num_tokens_ * slots_ &&
         gates_.size() == num_tokens_ * slots_;
}

void RouterTap::edit_weights(ggml_tensor* node, int layer_index) {
  if (num_tokens_ == 0) return tell(layer_index);
  ggml_tensor* gather = find_gather(node);
  ggml_tensor* sorted = gather == nullptr ? nullptr : sorted_experts(gather);
  if (!is_understood(node, sorted, layer_index))
    return fail({ErrorKind::failure, fmt::format("layer {}", layer_index),
                 "the graph's router has an unknown form", "", ""});
  ids_.resize(num_tokens_ * model_.num_experts);
  weights_.resize(num_tokens_ * slots_);
  ggml_backend_tensor_get(sorted, ids_.data(), 0, ids_.size() * sizeof(std::int32_t));
  const auto chosen = selection_.choose(
      *nodes_.layer(layer_index),
      {view(logits_, num_tokens_, model_.num_experts), ids_, gates_, slots_, model_.top_k}, policy_,
      decision_);
  if (!chosen) return fail(chosen.error());
  apply();
  ggml_backend_tensor_set(sorted, ids_.data(), 0, ids_.size() * sizeof(std::int32_t));
  ggml_backend_tensor_set(node, weights_.data(), 0, weights_.size() * sizeof(float));
  tell(layer_index);
}

void RouterTap::apply() {
  for (std::size_t t = 0; t < num_tokens_; ++t)
    editor_.apply({{ids_.data() + t * model_.num_experts, model_.num_experts},
                   {weights_.data() + t * slots_, slots_}},
                  selection_.experts(t), selection_.weights(t));
  if (policy_ == nullptr || decision_.max_k == 0) return;
  selection_.write_back(decision_);
  for (std::size_t token : decision_.unroutable_tokens) decision_.num_selected[token] = 0;
}

void RouterTap::fail(Error error) {
  if (!error_) error_ = std::move(error);
}

std::optional<Error> RouterTap::take_error() { return std::exchange(error_, std::nullopt); }

}  // namespace bhroute::llama
