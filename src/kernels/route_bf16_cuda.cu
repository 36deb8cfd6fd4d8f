#include "kernels/routing_launch_cuda.cuh"

namespace bhroute::kernels::cuda {

template CudaLaunch launch_by_size<__nv_bfloat16>(const Call&, cudaStream_t);

}  // namespace bhroute::kernels::cuda
