#pragma once
// The routing kernels on an NVIDIA GPU: device pointers, one launch a call, on the caller's stream. No allocation,
// no synchronisation with the host, so a call may be captured in a CUDA graph. Each selects the same experts in the
// same order as routing_kernels.h, for every finite and non-finite logit; weights agree with the double reference to
// 6 ulp (4 on the CPU), since the GPU's exponential unit itself errs by 2. Pooled nulls only.

#include <cstddef>
#include <cstdint>

#include "bhroute/kernels/routing_kernels.h"

struct CUstream_st;

namespace bhroute::kernels {

inline constexpr std::size_t kMaxExpertsCuda = 512;

enum class LogitType { float32, bf16, f16 };

/// Inputs of a batch of tokens, in device memory. Must not overlap the outputs.
struct CudaRouteInputs {
  const void* logits = nullptr;      ///< [num_tokens, num_experts], token t at element t * token_stride
  LogitType logit_type = LogitType::float32;
  const float* statistic = nullptr;  ///< [num_tokens, num_experts] contiguous, non-decreasing in the token's logit,
                                     ///< NaN where it is; or null: the logits themselves, as floats
  std::size_t num_tokens = 0;
  std::size_t num_experts = 0;       ///< 1..kMaxExpertsCuda
  std::size_t token_stride = 0;      ///< in elements
  double temperature = 1.0;          ///< > 0; shapes the weights only
  WeightScale weight_scale = WeightScale::none;
  std::size_t own_top_k = 0;         ///< for WeightScale::mass
};

/// What a launch came to; a failed one leaves the outputs as they were.
enum class CudaLaunch {
  ok,
  invalid_arguments,  ///< a bound above is broken
  failed              ///< CUDA refused the launch; cudaGetLastError() tells
};

/// route_step_up on the GPU. `critical_logits` [num_experts] in device memory, `out` in device memory.
/// num_tokens = 0 launches nothing.
CudaLaunch route_step_up_cuda(const CudaRouteInputs& in, const float* critical_logits, std::size_t min_k,
                              std::size_t max_k, const RouteOutputs& out, CUstream_st* stream) noexcept;

/// route_top_k on the GPU.
CudaLaunch route_top_k_cuda(const CudaRouteInputs& in, std::size_t top_k, const RouteOutputs& out,
                            CUstream_st* stream) noexcept;

}  // namespace bhroute::kernels
