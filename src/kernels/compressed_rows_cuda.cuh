#pragma once
// compressed_rows.h on the GPU, from the counts that the decision's launch leaves for each chunk of
// tokens.

#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>

#include "bhroute/kernels/routing_kernels_cuda.h"

namespace bhroute::kernels::cuda {

inline constexpr std::size_t kTile = 128;  // tokens put in order at a time

/// Tokens a block: a tile, or more of them where the blocks would get too many, since each reads
/// the others' counts.
inline std::size_t chunk_size(std::size_t num_tokens) {
  constexpr std::size_t kMostChunks = 512;
  const std::size_t tiles = (num_tokens + kTile - 1) / kTile;
  return kTile * ((tiles + kMostChunks - 1) / kMostChunks + (tiles == 0 ? 1 : 0));
}
inline std::size_t num_chunks(std::size_t num_tokens) {
  return (num_tokens + chunk_size(num_tokens) - 1) / chunk_size(num_tokens);
}

/// Device memory throughout; expert_counts, or row_offsets with row_pairs, may be null.
struct CompressCall {
  const std::int32_t* histograms;  // [num_chunks, num_experts]
  const std::int32_t* expert_ids;
  const std::int32_t* num_selected;
  std::size_t num_tokens;
  int num_experts, max_k;
  std::int32_t* expert_counts;
  std::int32_t* row_offsets;
  std::int32_t* row_pairs;
};
CudaLaunch compress_rows_cuda(const CompressCall& call, cudaStream_t stream);

}  // namespace bhroute::kernels::cuda
