#include <algorithm>

#include "kernels/expert_kernel_cuda.cuh"
#include "kernels/expert_routing_cuda.cuh"

namespace bhroute::kernels::cuda {
namespace {

/// More keep no GPU busier, and each block reads the critical logits anew.
constexpr std::size_t kMostBlocks = 2048;

template <class T, int kValues, int kThreads>
CudaLaunch launch_experts_by(const Call& call, const double* nulls, cudaStream_t stream) {
  constexpr std::size_t kWarps = kThreads / 32;
  const std::size_t blocks =
      call.histograms != nullptr
          ? (call.num_tokens + call.chunk_size - 1) / call.chunk_size
          : std::min<std::size_t>((call.num_tokens + kWarps - 1) / kWarps, kMostBlocks);
  return launch_in_order(route_experts<T, kValues, kThreads>, static_cast<unsigned>(blocks),
                         kThreads, expert_shared_bytes(call.num_experts, kThreads), stream, call,
                         nulls);
}

/// Blocks whose shared memory stays below the 48 KB that every GPU has.
template <class T>
CudaLaunch launch_experts_by_size(const Call& call, const double* nulls, cudaStream_t stream) {
  if (call.num_experts <= 32) return launch_experts_by<T, 1, 256>(call, nulls, stream);
  if (call.num_experts <= 64) return launch_experts_by<T, 2, 256>(call, nulls, stream);
  if (call.num_experts <= 128) return launch_experts_by<T, 4, 256>(call, nulls, stream);
  if (call.num_experts <= 256) return launch_experts_by<T, 8, 256>(call, nulls, stream);
  return launch_experts_by<T, 16, 128>(call, nulls, stream);
}

}  // namespace

CudaLaunch launch_experts(LogitType type, const Call& call, const double* nulls,
                          cudaStream_t stream) {
  switch (type) {
    case LogitType::float32:
      return launch_experts_by_size<float>(call, nulls, stream);
    case LogitType::bf16:
      return launch_experts_by_size<__nv_bfloat16>(call, nulls, stream);
    case LogitType::f16:
      return launch_experts_by_size<__half>(call, nulls, stream);
  }
  return CudaLaunch::invalid_arguments;
}

}  // namespace bhroute::kernels::cuda
