#include "kernels/routing_launch_cuda.cuh"

namespace bhroute::kernels::cuda {

template CudaLaunch launch_by_size<float>(const Call&, cudaStream_t);

}  // namespace bhroute::kernels::cuda
