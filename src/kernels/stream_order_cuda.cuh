#pragma once
// Launches that may begin while the stream's previous kernel drains (programmatic dependent launch,
// compute capability 9.0 on). Every such kernel calls wait_for_stream() before it reads what another
// launch may have written, or writes.

#include <cuda_runtime.h>

#include <cstddef>

#include "bhroute/kernels/routing_kernels_cuda.h"

namespace bhroute::kernels::cuda {

/// Returns once all that came before in the stream is done and visible; then lets the next such
/// launch begin. Not earlier: its waiting blocks would take the places of this launch's own.
__device__ inline void wait_for_stream() {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.wait;" ::: "memory");
  asm volatile("griddepcontrol.launch_dependents;" ::: "memory");
#endif
}

/// Asks for a line to come to L2, which every writer of the device shares: allowed before the wait.
__device__ inline void fetch_ahead(const void* address) {
#ifdef __CUDA_ARCH__
  asm volatile("prefetch.global.L2 [%0];" ::"l"(address));
#else
  static_cast<void>(address);
#endif
}

inline constexpr std::size_t kPlainSharedBytes = 48 * 1024;  // more has to be asked for

template <class... Parameters, class... Arguments>
CudaLaunch launch_in_order(void (*kernel)(Parameters...), unsigned blocks, unsigned threads,
                           std::size_t bytes, cudaStream_t stream, const Arguments&... arguments) {
  cudaFuncAttributes compiled{};
  if (cudaFuncGetAttributes(&compiled, kernel) != cudaSuccess) return CudaLaunch::failed;
  if (bytes > kPlainSharedBytes &&
      cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                           static_cast<int>(bytes)) != cudaSuccess)
    return CudaLaunch::failed;
  cudaLaunchAttribute early{};
  early.id = cudaLaunchAttributeProgrammaticStreamSerialization;
  early.val.programmaticStreamSerializationAllowed = 1;
  cudaLaunchConfig_t config{};
  config.gridDim = dim3(blocks);
  config.blockDim = dim3(threads);
  config.dynamicSmemBytes = bytes;
  config.stream = stream;
  config.attrs = &early;
  config.numAttrs = compiled.binaryVersion >= 90 ? 1 : 0;
  return cudaLaunchKernelEx(&config, kernel, arguments...) == cudaSuccess ? CudaLaunch::ok
                                                                          : CudaLaunch::failed;
}

}  // namespace bhroute::kernels::cuda
