#include "ggml/claims.h"

#include <string_view>

#include "ggml/host_ggml.h"
#include "ggml/node_name.h"

namespace bhroute::ggml {
namespace {

// The choice among expert groups and the softmax over the selected have no names of their own: they
// are known by what they come from.
bool comes_from_router(const ggml_tensor* op) noexcept {
  constexpr int kMostSteps = 12;
  const ggml_tensor* node = op;
  for (int step = 0; step < kMostSteps && node != nullptr; ++step, node = node->src[0]) {
    if (is_any_of(moe_stem(node), {"probs", "probs_biased", "weights"}) && node != op) return true;
    switch (node->op) {
      case GGML_OP_ARGSORT:
      case GGML_OP_GET_ROWS:
      case GGML_OP_SET_ROWS:
      case GGML_OP_SUM_ROWS:
      case GGML_OP_FILL:
      case GGML_OP_SOFT_MAX:
      case GGML_OP_RESHAPE:
      case GGML_OP_VIEW:
        break;
      default:
        return false;
    }
  }
  return false;
}

bool is_expert_stem(std::string_view stem) noexcept {
  return is_any_of(stem,
                   {"up", "gate", "gate_up", "down", "up_biased", "gate_biased", "gate_up_biased",
                    "down_biased", "up_clamped", "silu", "silu_clamped", "gelu", "relu", "relu_sqr",
                    "swiglu", "swiglu_limited", "swiglu_oai", "geglu", "reglu"});
}

const ggml_tensor* weighted_behind(const ggml_tensor* view) noexcept {
  if (view == nullptr || view->op != GGML_OP_VIEW || view->view_src == nullptr) return nullptr;
  return moe_stem(view->view_src) == "weighted" ? view->view_src : nullptr;
}

// An ADD of the sum over experts: its second operand is one expert's slice of the weighted outputs.
bool is_sum_over_experts(const ggml_tensor* op) noexcept {
  return weighted_behind(op->src[1]) != nullptr;
}

}  // namespace

bool is_expert_product(const ggml_tensor* op) noexcept {
  return op->op == GGML_OP_MUL_MAT_ID && is_expert_stem(moe_stem(op));
}

ggml_backend_buffer_type_t weights_buffer_type(const ggml_tensor* op) {
  const ggml_tensor* weights = op->src[0];
  return weights == nullptr || weights->buffer == nullptr
             ? nullptr
             : host.ggml_backend_buffer_get_type(weights->buffer);
}

bool claims_op(const ggml_tensor* op) noexcept {
  if (is_view_like(op)) return true;
  const std::string_view stem = moe_stem(op);
  switch (op->op) {
    case GGML_OP_SOFT_MAX:
      return stem == "probs" || comes_from_router(op);
    case GGML_OP_ARGSORT:
      return is_any_of(stem, {"argsort", "group_topk"}) || comes_from_router(op);
    case GGML_OP_GET_ROWS:
      return stem == "weights" || comes_from_router(op);
    case GGML_OP_SUM_ROWS:
      return stem == "weights_sum" || comes_from_router(op);
    case GGML_OP_FILL:
    case GGML_OP_SET_ROWS:
      return comes_from_router(op);
    case GGML_OP_DIV:
      return stem == "weights_norm";
    case GGML_OP_SCALE:
      return stem == "weights_scaled";
    case GGML_OP_CLAMP:
      return stem == "weights_sum_clamped" || is_expert_stem(stem);
    case GGML_OP_UNARY:
      return stem == "probs" || is_expert_stem(stem);
    case GGML_OP_MUL:
      return stem == "weighted" || is_expert_stem(stem);
    case GGML_OP_ADD:
      return stem == "probs_biased" || is_sum_over_experts(op);
    case GGML_OP_CONT:
      return weighted_behind(op->src[0]) != nullptr;
    case GGML_OP_MUL_MAT_ID:
    case GGML_OP_ADD_ID:
    case GGML_OP_GLU:
    case GGML_OP_SQR:
      return is_expert_stem(stem);
    default:
      return false;
  }
}

bool claims_buffer_type(ggml_backend_buffer_type_t type) {
  if (host.ggml_backend_buft_is_host(type)) return true;
  ggml_backend_dev_t cpu = host.ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU);
  if (cpu == nullptr) return false;
  const auto extra_types =
      reinterpret_cast<ggml_backend_dev_get_extra_bufts_t>(host.ggml_backend_reg_get_proc_address(
          host.ggml_backend_dev_backend_reg(cpu), "ggml_backend_dev_get_extra_bufts"));
  if (extra_types == nullptr) return false;
  for (ggml_backend_buffer_type_t* extra = extra_types(cpu); extra != nullptr && *extra != nullptr;
       ++extra)
    if (*extra == type) return true;
  return false;
}

}  // namespace bhroute::ggml
