// libbhroute_cuda.so: the GPU's kernels behind one C function, which bhroute._cuda calls on raw
// pointers. No PyTorch in it.

#include <cuda_runtime_api.h>

#include <cstdint>

#include "bhroute/kernels/routing_kernels_cuda.h"

using namespace bhroute::kernels;

extern "C" {

/// As bhroute/_cuda.py lays it out. Optional outputs are null.
struct BhrouteCudaCall {
  const void* logits;
  const float* critical_logits;
  const double* expert_nulls;
  std::int32_t* expert_ids;
  float* routing_weights;
  std::int32_t* num_selected;
  float* dense_weights;
  std::int32_t* expert_counts;
  std::int32_t* row_offsets;
  std::int32_t* row_pairs;
  std::int32_t* scratch;
  void* stream;
  std::int64_t num_tokens, num_experts, token_stride, min_k, max_k, own_top_k;
  double temperature;
  std::int32_t logit_type, statistic, weight_scale, rule, unselected;
};

/// Null, or what went wrong, in static memory.
__attribute__((visibility("default"))) const char* bhroute_cuda_route(const BhrouteCudaCall* c) {
  const CudaRouteInputs in{.logits = c->logits,
                           .logit_type = static_cast<LogitType>(c->logit_type),
                           .statistic = static_cast<TestedStatistic>(c->statistic),
                           .num_tokens = static_cast<std::size_t>(c->num_tokens),
                           .num_experts = static_cast<std::size_t>(c->num_experts),
                           .token_stride = static_cast<std::size_t>(c->token_stride),
                           .temperature = c->temperature,
                           .weight_scale = static_cast<WeightScale>(c->weight_scale),
                           .own_top_k = static_cast<std::size_t>(c->own_top_k),
                           .expert_nulls = c->expert_nulls};
  const RouteOutputs out{c->expert_ids, c->routing_weights, c->num_selected};
  const CudaRouteExtras extras{static_cast<Unselected>(c->unselected),
                               c->dense_weights,
                               c->expert_counts,
                               c->row_offsets,
                               c->row_pairs,
                               c->scratch};
  auto* stream = static_cast<CUstream_st*>(c->stream);
  const auto min_k = static_cast<std::size_t>(c->min_k), max_k = static_cast<std::size_t>(c->max_k);
  CudaLaunch launched = CudaLaunch::invalid_arguments;
  if (c->rule == 0) launched = route_top_k_cuda(in, max_k, out, stream, extras);
  if (c->rule == 1)
    launched = route_step_up_cuda(in, c->critical_logits, min_k, max_k, out, stream, extras);
  if (c->rule == 2)
    launched = route_step_down_cuda(in, c->critical_logits, min_k, max_k, out, stream, extras);
  if (launched == CudaLaunch::ok) return nullptr;
  return launched == CudaLaunch::failed ? cudaGetErrorString(cudaGetLastError())
                                        : "a size or an argument that the kernel does not take";
}

__attribute__((visibility("default"))) std::int64_t bhroute_cuda_num_scratch(
    std::int64_t num_tokens, std::int64_t num_experts) {
  return static_cast<std::int64_t>(num_scratch_cuda(static_cast<std::size_t>(num_tokens),
                                                    static_cast<std::size_t>(num_experts)));
}
}
