#pragma once
// Launches of the kernel for one null an expert.

#include "kernels/route_call_cuda.cuh"

namespace bhroute::kernels::cuda {

/// `call.critical_logits` [num_experts, num_experts], `nulls` as bhroute/kernels/expert_nulls.h
/// lays them out.
CudaLaunch launch_experts(LogitType type, const Call& call, const double* nulls,
                          cudaStream_t stream);

}  // namespace bhroute::kernels::cuda
