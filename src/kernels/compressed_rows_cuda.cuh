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
/// the others' counts. Below 2^16, so that a count fits into 16 bits.
inline std::size_t chunk_size(std::size_t num_tokens) {
  constexpr std::size_t kMostChunks = 512, kMostTiles = 256;
  const std::size_t tiles = (num_tokens + kTile - 1) / kTile;
  const std::size_t wanted = (tiles + kMostChunks - 1) / kMostChunks + (tiles == 0 ? 1 : 0);
  return kTile * (wanted < kMostTiles ? wanted : kMostTiles);
}
inline std::size_t num_chunks(std::size_t num_tokens) {
  return (num_tokens + chunk_size(num_tokens) - 1) / chunk_size(num_tokens);
}
/// A chunk's counts are a row of so many 16-bit numbers, 8 of which are read at once.
__host__ __device__ inline int histogram_stride(int num_experts) {
  return (num_experts + 7) / 8 * 8;
}

/// Device memory throughout; expert_counts, or row_offsets with row_pairs, may be null.
struct CompressCall {
  const std::uint16_t* histograms;  // [num_chunks, histogram_stride]
  const std::int32_t* expert_ids;
  const std::int32_t* num_selected;
  std::size_t num_tokens;
  int num_experts, max_k;
  bool distinct;  // ids of unselected slots are experts too
  std::int32_t* expert_counts;
  std::int32_t* row_offsets;
  std::int32_t* row_pairs;
};
CudaLaunch compress_rows_cuda(const CompressCall& call, cudaStream_t stream);

}  // namespace bhroute::kernels::cuda
