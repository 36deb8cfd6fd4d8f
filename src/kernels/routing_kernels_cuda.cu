// One launch routes a batch; what else a caller asks for (counts, compressed rows) takes a second.

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include <algorithm>
#include <cfloat>
#include <cmath>

#include "bhroute/kernels/routing_kernels_cuda.h"
#include "kernels/compressed_rows_cuda.cuh"
#include "kernels/expert_routing_cuda.cuh"
#include "kernels/route_call_cuda.cuh"
#include "kernels/temperature.h"

namespace bhroute::kernels {
namespace cuda {
namespace {

SoftmaxScale softmax_scale(double temperature) {
  constexpr double kLog2E = 1.4426950408889634;
  const double inverse = inverse_temperature(temperature);
  const double exact = std::clamp<double>(inverse * kLog2E, FLT_MIN, FLT_MAX);
  const float high = static_cast<float>(exact);
  return {high, high > 1e6f ? 0.0f : static_cast<float>(exact - high)};
}

bool valid(const CudaRouteInputs& in, std::size_t min_k, std::size_t max_k,
           const CudaRouteExtras& extras) {
  const bool counted = extras.expert_counts != nullptr || extras.row_offsets != nullptr;
  return in.num_experts >= 1 && in.num_experts <= kMaxExpertsCuda && in.temperature > 0.0 &&
         min_k >= 1 && min_k <= max_k && max_k <= in.num_experts &&
         (in.num_tokens <= 1 || in.token_stride >= in.num_experts) &&
         (extras.row_offsets != nullptr || extras.row_pairs == nullptr) &&
         (extras.row_offsets == nullptr || extras.row_pairs != nullptr || in.num_tokens == 0) &&
         (!counted || (extras.scratch != nullptr &&
                       reinterpret_cast<std::uintptr_t>(extras.scratch) % 16 == 0)) &&
         (extras.row_pairs == nullptr || in.num_tokens < (std::size_t{1} << 31) / max_k);
}

CudaLaunch launch_by_type(LogitType type, const Call& call, cudaStream_t stream) {
  switch (type) {
    case LogitType::float32:
      return launch_by_size<float>(call, stream);
    case LogitType::bf16:
      return launch_by_size<__nv_bfloat16>(call, stream);
    case LogitType::f16:
      return launch_by_size<__half>(call, stream);
  }
  return CudaLaunch::invalid_arguments;
}

CudaLaunch route_batch(const CudaRouteInputs& in, const float* critical_logits, bool down,
                       std::size_t min_k, std::size_t max_k, const RouteOutputs& out,
                       cudaStream_t stream, const CudaRouteExtras& extras) {
  if (!valid(in, min_k, max_k, extras)) return CudaLaunch::invalid_arguments;
  const bool counted = extras.expert_counts != nullptr || extras.row_offsets != nullptr;
  const Call call{in.logits,
                  critical_logits,
                  in.num_tokens,
                  in.token_stride,
                  static_cast<int>(in.num_experts),
                  static_cast<int>(min_k),
                  static_cast<int>(max_k),
                  static_cast<int>(std::clamp<std::size_t>(in.own_top_k, 1, in.num_experts)),
                  in.statistic,
                  down,
                  in.weight_scale,
                  softmax_scale(in.temperature),
                  out,
                  extras,
                  counted ? reinterpret_cast<std::uint16_t*>(extras.scratch) : nullptr,
                  chunk_size(in.num_tokens)};
  CudaLaunch launched = CudaLaunch::ok;
  if (in.num_tokens > 0)
    launched = critical_logits != nullptr && in.expert_nulls != nullptr
                   ? launch_experts(in.logit_type, call, in.expert_nulls, stream)
                   : launch_by_type(in.logit_type, call, stream);
  if (launched != CudaLaunch::ok || !counted) return launched;
  return compress_rows_cuda(
      {call.histograms, out.expert_ids, out.num_selected, in.num_tokens, call.num_experts,
       call.max_k, extras.unselected == Unselected::distinct, extras.expert_counts,
       extras.row_offsets, extras.row_pairs},
      stream);
}

}  // namespace
}  // namespace cuda

CudaLaunch route_step_up_cuda(const CudaRouteInputs& in, const float* critical_logits,
                              std::size_t min_k, std::size_t max_k, const RouteOutputs& out,
                              CUstream_st* stream, const CudaRouteExtras& extras) noexcept {
  if (critical_logits == nullptr) return CudaLaunch::invalid_arguments;
  return cuda::route_batch(in, critical_logits, false, min_k, max_k, out, stream, extras);
}

CudaLaunch route_step_down_cuda(const CudaRouteInputs& in, const float* critical_logits,
                                std::size_t min_k, std::size_t max_k, const RouteOutputs& out,
                                CUstream_st* stream, const CudaRouteExtras& extras) noexcept {
  if (critical_logits == nullptr) return CudaLaunch::invalid_arguments;
  return cuda::route_batch(in, critical_logits, true, min_k, max_k, out, stream, extras);
}

CudaLaunch route_top_k_cuda(const CudaRouteInputs& in, std::size_t top_k, const RouteOutputs& out,
                            CUstream_st* stream, const CudaRouteExtras& extras) noexcept {
  return cuda::route_batch(in, nullptr, false, top_k, top_k, out, stream, extras);
}

std::size_t num_scratch_cuda(std::size_t num_tokens, std::size_t num_experts) noexcept {
  const auto stride =
      static_cast<std::size_t>(cuda::histogram_stride(static_cast<int>(num_experts)));
  return std::max<std::size_t>(cuda::num_chunks(num_tokens), 1) * stride / 2;
}

}  // namespace bhroute::kernels
