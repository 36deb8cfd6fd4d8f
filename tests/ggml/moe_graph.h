#pragma once
// A MoE layer as llama.cpp's build_moe_ffn makes it, with random weights, on the CPU backend of
// this process.

#include <ggml-alloc.h>
#include <ggml-backend.h>
#include <ggml.h>

#include <random>
#include <string>
#include <vector>

#include "ggml/host_ggml.h"

namespace bhroute::test {

enum class Gating { softmax, sigmoid, softmax_of_selected };

struct MoeShape {
  int num_experts = 16, top_k = 4, d = 32, d_ff = 64, num_tokens = 5;
  int num_summed = 0;  ///< 0 = top_k; fewer in warm-up
  Gating gating = Gating::softmax;
  bool selection_bias = false, normalizes = false, merged = false, biases = false;
  float scale = 1.0f;
  bool foreign_node = false;  ///< something between the experts that nobody knows
  int layer = 3;
};

class MoeGraph {
 public:
  explicit MoeGraph(const MoeShape& shape) : shape_(shape) {
    if (!ggml::bind_host(reinterpret_cast<const void*>(&ggml_init)))
      throw std::runtime_error("ggml");
    context_ = ggml_init({.mem_size = 1 << 20, .mem_buffer = nullptr, .no_alloc = true});
    build();
    buffer_ = ggml_backend_alloc_ctx_tensors_from_buft(context_, ggml_backend_cpu_buffer_type());
    std::mt19937 random(7);
    std::normal_distribution<float> normal;
    for (ggml_tensor* leaf : leaves_)
      for (int64_t i = 0; i < ggml_nelements(leaf); ++i)
        static_cast<float*>(leaf->data)[i] = normal(random);
  }
  ~MoeGraph() {
    ggml_backend_buffer_free(buffer_);
    ggml_free(context_);
  }
  MoeGraph(const MoeGraph&) = delete;

  /// The nodes of the block, as the scheduler hands them over.
  const std::vector<ggml_tensor*>& nodes() const { return nodes_; }
  ggml_tensor* output() const { return nodes_.back(); }
  std::vector<float> output_values() const {
    const auto* data = static_cast<const float*>(output()->data);
    return {data, data + ggml_nelements(output())};
  }
  ggml_tensor* logits() const { return logits_; }
  ggml_tensor* add_leaf(std::vector<int64_t> shape) {
    shape.resize(4, 1);
    leaves_.push_back(
        ggml_new_tensor_4d(context_, GGML_TYPE_F32, shape[0], shape[1], shape[2], shape[3]));
    return leaves_.back();
  }

 private:
  ggml_tensor* name(ggml_tensor* node, const std::string& stem) {
    ggml_set_name(node, ("ffn_moe_" + stem + "-" + std::to_string(shape_.layer)).c_str());
    return node;
  }
  ggml_tensor* add(ggml_tensor* node, const std::string& stem = "") {
    nodes_.push_back(stem.empty() ? node : name(node, stem));
    return node;
  }

  void build() {
    const int64_t n = shape_.num_experts, k = shape_.top_k, t = shape_.num_tokens;
    logits_ = name(add_leaf({n, t}), "logits");
    ggml_tensor* input = ggml_reshape_3d(context_, add_leaf({shape_.d, t}), shape_.d, 1, t);
    ggml_tensor* probs = logits_;
    if (shape_.gating == Gating::softmax) probs = add(ggml_soft_max(context_, logits_), "probs");
    if (shape_.gating == Gating::sigmoid) probs = add(ggml_sigmoid(context_, logits_), "probs");
    if (shape_.gating == Gating::softmax_of_selected) name(logits_, "probs");
    ggml_tensor* scores = probs;
    if (shape_.selection_bias)
      scores = add(ggml_add(context_, probs, add_leaf({n})), "probs_biased");
    ggml_tensor* sorted = add(ggml_argsort(context_, scores, GGML_SORT_ORDER_DESC), "argsort");
    ggml_tensor* ids = add(
        ggml_view_4d(context_, sorted, k, t, 1, 1, sorted->nb[1], sorted->nb[2], sorted->nb[3], 0),
        "topk");
    ggml_tensor* weights = build_weights(probs, ids);
    ggml_tensor* result = build_experts(input, ids);
    if (shape_.foreign_node) result = add(ggml_scale(context_, result, 2.0f));
    sum(add(ggml_mul(context_, result, weights), "weighted"));
  }

  ggml_tensor* build_weights(ggml_tensor* probs, ggml_tensor* ids) {
    const int64_t n = shape_.num_experts, k = shape_.top_k, t = shape_.num_tokens;
    ggml_tensor* w = add(
        ggml_get_rows(context_, add(ggml_reshape_3d(context_, probs, 1, n, t)), ids), "weights");
    if (shape_.gating == Gating::softmax_of_selected) {
      w = add(ggml_soft_max(context_, add(ggml_reshape_2d(context_, w, k, t))));
      w = add(ggml_reshape_3d(context_, w, 1, k, t), "weights_softmax");
    }
    if (shape_.normalizes) {
      w = add(ggml_reshape_2d(context_, w, k, t));
      ggml_tensor* total = add(ggml_sum_rows(context_, w), "weights_sum");
      total = add(ggml_clamp(context_, total, 6.103515625e-5f, INFINITY), "weights_sum_clamped");
      w = add(ggml_div(context_, w, total), "weights_norm");
      w = add(ggml_reshape_3d(context_, w, 1, k, t));
    }
    if (shape_.scale != 1.0f) w = add(ggml_scale(context_, w, shape_.scale), "weights_scaled");
    return w;
  }

  ggml_tensor* product(const std::string& stem, int64_t in, int64_t out, ggml_tensor* x,
                       ggml_tensor* ids) {
    const int64_t n = shape_.num_experts;
    ggml_tensor* y = add(ggml_mul_mat_id(context_, add_leaf({in, out, n}), x, ids), stem);
    if (shape_.biases) y = add(ggml_add_id(context_, y, add_leaf({out, n}), ids), stem + "_biased");
    return y;
  }

  ggml_tensor* build_experts(ggml_tensor* input, ggml_tensor* ids) {
    const int64_t d = shape_.d, ff = shape_.d_ff;
    ggml_tensor *up = nullptr, *gate = nullptr;
    if (shape_.merged) {
      ggml_tensor* both = product("gate_up", d, 2 * ff, input, ids);
      const auto half = [&](int64_t at) {
        return ggml_view_3d(context_, both, ff, both->ne[1], both->ne[2], both->nb[1], both->nb[2],
                            static_cast<std::size_t>(at) * sizeof(float));
      };
      gate = add(half(0), "gate");
      up = add(half(ff), "up");
    } else {
      up = product("up", d, ff, input, ids);
      gate = product("gate", d, ff, input, ids);
    }
    return product("down", ff, d, add(ggml_swiglu_split(context_, gate, up), "swiglu"), ids);
  }

  void sum(ggml_tensor* weighted) {
    const int count = shape_.num_summed > 0 ? shape_.num_summed : shape_.top_k;
    std::vector<ggml_tensor*> slices;
    for (int i = 0; i < count; ++i)
      slices.push_back(
          add(ggml_view_2d(context_, weighted, weighted->ne[0], weighted->ne[2], weighted->nb[2],
                           static_cast<std::size_t>(i) * weighted->nb[1])));
    ggml_tensor* total = slices.front();
    for (std::size_t i = 1; i < slices.size(); ++i)
      total = add(ggml_add(context_, total, slices[i]));
    if (count == 1) total = add(ggml_cont(context_, total));
    name(total, "out");
  }

  MoeShape shape_;
  ggml_context* context_ = nullptr;
  ggml_backend_buffer_t buffer_ = nullptr;
  ggml_tensor* logits_ = nullptr;
  std::vector<ggml_tensor*> leaves_, nodes_;
};

}  // namespace bhroute::test
