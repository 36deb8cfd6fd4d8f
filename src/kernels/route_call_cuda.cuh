#pragma once
// What one launch of a routing kernel is told.

#include <cuda_runtime.h>

#include <cstddef>

#include "bhroute/kernels/routing_kernels_cuda.h"
#include "kernels/compressed_rows_cuda.cuh"
#include "kernels/softmax_cuda.cuh"

namespace bhroute::kernels::cuda {

/// A call, as the kernel reads it. critical_logits null: min_k = max_k largest logits.
struct Call {
  const void* logits;
  const float* critical_logits;
  std::size_t num_tokens, token_stride;
  int num_experts, min_k, max_k, own_top_k;
  TestedStatistic statistic;
  bool down;
  WeightScale weight_scale;
  SoftmaxScale softmax;
  RouteOutputs out;
  CudaRouteExtras extras;
  std::uint16_t* histograms;  // [chunks, histogram_stride]: how often each chunk of tokens selects
                              // each expert; null = not wanted
  std::size_t chunk_size;  // tokens of a block, which then has them side by side
};

/// Launches the kernel for logits of type T: float, __nv_bfloat16, __half.
template <class T>
CudaLaunch launch_by_size(const Call& call, cudaStream_t stream);

/// A block's counts, from its shared memory; all threads call it.
__device__ inline void write_histogram(const Call& call, const int* histogram, int num_threads) {
  const int stride = histogram_stride(call.num_experts);
  std::uint16_t* counts = call.histograms + static_cast<std::size_t>(blockIdx.x) * stride;
#pragma unroll 1
  for (int e = threadIdx.x; e < stride; e += num_threads)
    counts[e] = static_cast<std::uint16_t>(e < call.num_experts ? histogram[e] : 0);
}

}  // namespace bhroute::kernels::cuda
