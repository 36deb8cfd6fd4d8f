#include <algorithm>

#include "kernels/compressed_rows_kernel_cuda.cuh"

namespace bhroute::kernels::cuda {

CudaLaunch compress_rows_cuda(const CompressCall& call, cudaStream_t stream) {
  const int chunks = static_cast<int>(num_chunks(call.num_tokens));
  const unsigned blocks =
      call.row_offsets != nullptr ? static_cast<unsigned>(std::max(chunks, 1)) : 1u;
  return launch_in_order(compress, blocks, kRowThreads, row_shared_bytes(call.num_experts), stream,
                         call, chunks, chunk_size(call.num_tokens));
}

}  // namespace bhroute::kernels::cuda
