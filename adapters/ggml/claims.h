#pragma once
// Which operations and buffers the plugin claims from the scheduler: those of a MoE layer from the
// router's first operation after its logits to the sum over experts. Claimed together they become
// one split a layer. The matrix product that makes the logits is left to the host: a host may want
// to see it (cb_eval).

#include <ggml-backend-impl.h>
#include <ggml.h>

namespace bhroute::ggml {

bool claims_op(const ggml_tensor* op) noexcept;

/// Host memory, and the CPU backend's own layouts (repacked weights): the inner CPU backend
/// computes on both.
bool claims_buffer_type(ggml_backend_buffer_type_t type);

/// True for an expert's matrix product; the buffer type of its weights, or null before they have
/// one.
bool is_expert_product(const ggml_tensor* op) noexcept;
ggml_backend_buffer_type_t weights_buffer_type(const ggml_tensor* op);

}  // namespace bhroute::ggml
