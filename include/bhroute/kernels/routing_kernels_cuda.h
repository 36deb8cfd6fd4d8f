#pragma once
// The routing kernels on an NVIDIA GPU: device pointers, one launch a call, on the caller's stream. No allocation,
// no synchronisation with the host, so a call may be captured in a CUDA graph. Each selects the same experts in the
// same order as routing_kernels.h, for every finite and non-finite logit; weights agree with the double reference to
// 6 ulp (4 on the CPU), since the GPU's exponential unit itself errs by 2. One null an expert: as policies on the CPU do.
// On compute capability 9.0 a launch may begin while the stream's previous kernel drains; it waits before it reads
// anything but the critical logits and the experts' nulls.

#include <cstddef>
#include <cstdint>

#include "bhroute/kernels/compressed_rows.h"
#include "bhroute/kernels/routing_kernels.h"

struct CUstream_st;

namespace bhroute::kernels {

inline constexpr std::size_t kMaxExpertsCuda = 512;

enum class LogitType { float32, bf16, f16 };

/// The number that critical logits are compared with, made from a token's logits as calibration/null_spec.h says. The
/// GPU sums in another order, so it may round a value to the neighbouring float where the exact one lies within about
/// 1e-16 of the middle between the two.
enum class TestedStatistic { logit, log_prob, standardized };

/// Inputs of a batch of tokens, in device memory. Must not overlap the outputs.
struct CudaRouteInputs {
  const void* logits = nullptr;      ///< [num_tokens, num_experts], token t at element t * token_stride
  LogitType logit_type = LogitType::float32;
  TestedStatistic statistic = TestedStatistic::logit;
  std::size_t num_tokens = 0;
  std::size_t num_experts = 0;       ///< 1..kMaxExpertsCuda
  std::size_t token_stride = 0;      ///< in elements
  double temperature = 1.0;          ///< > 0; shapes the weights only
  WeightScale weight_scale = WeightScale::none;
  std::size_t own_top_k = 0;         ///< for WeightScale::mass
  const double* expert_nulls = nullptr;  ///< of expert_nulls.h, for the step-up and step-down; null = pooled
};

/// What a caller may ask for besides, in device memory; null = not wanted. The counts and the rows are made by a second
/// launch from `scratch`, which holds num_scratch_cuda() values at an address divisible by 16 and whose content means
/// nothing before or after.
struct CudaRouteExtras {
  Unselected unselected = Unselected::minus_one;
  float* dense_weights = nullptr;         ///< [num_tokens, num_experts]
  std::int32_t* expert_counts = nullptr;  ///< [num_experts]
  std::int32_t* row_offsets = nullptr;    ///< [num_experts + 1] with row_pairs as compress_rows() makes them
  std::int32_t* row_pairs = nullptr;      ///< [num_tokens * max_k], of fewer than 2^31
  std::int32_t* scratch = nullptr;
};
std::size_t num_scratch_cuda(std::size_t num_tokens, std::size_t num_experts) noexcept;

/// What a launch came to; a failed one leaves the outputs as they were.
enum class CudaLaunch {
  ok,
  invalid_arguments,  ///< a bound above is broken
  failed              ///< CUDA refused the launch; cudaGetLastError() tells
};

/// route_step_up on the GPU. `critical_logits` [num_experts], or [num_experts, num_experts] beside expert_nulls, and `out`
/// in device memory. A kernel that writes critical_logits must be over before the launch: they are read ahead of the
/// stream's order.
/// num_tokens = 0 launches nothing.
CudaLaunch route_step_up_cuda(const CudaRouteInputs& in, const float* critical_logits, std::size_t min_k,
                              std::size_t max_k, const RouteOutputs& out, CUstream_st* stream,
                              const CudaRouteExtras& extras = {}) noexcept;
/// route_step_down on the GPU.
CudaLaunch route_step_down_cuda(const CudaRouteInputs& in, const float* critical_logits, std::size_t min_k,
                                std::size_t max_k, const RouteOutputs& out, CUstream_st* stream,
                                const CudaRouteExtras& extras = {}) noexcept;

/// route_top_k on the GPU.
CudaLaunch route_top_k_cuda(const CudaRouteInputs& in, std::size_t top_k, const RouteOutputs& out,
                            CUstream_st* stream, const CudaRouteExtras& extras = {}) noexcept;

}  // namespace bhroute::kernels
