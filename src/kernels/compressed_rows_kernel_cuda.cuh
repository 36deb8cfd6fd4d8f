#pragma once
// A counting sort by expert that keeps the tokens' order: each block places one chunk of tokens,
// knowing how many pairs the chunks before it have of each expert.

#include "kernels/compressed_rows_cuda.cuh"
#include "kernels/stream_order_cuda.cuh"

namespace bhroute::kernels::cuda {

inline constexpr int kRowThreads = 512;
inline constexpr int kTileWords = kTile / 32;
inline constexpr int kHeld = 2;  // pairs of the first tile that a thread reads before anything else

/// A block's shared memory.
struct RowShared {
  unsigned* tokens;  // [num_experts][kTileWords]: which tokens of the tile selected it
  int* parts;   // [threads' sums][2 * stride + 8]: of all chunks, then of those before this one
  int* start;   // [stride] pairs of all chunks, then of the experts before
  int* before;  // [stride] pairs of the chunks before
  int* total;   // pairs
};

__host__ __device__ inline int part_stride(int num_experts) {
  return 2 * histogram_stride(num_experts) + 8;
}
__host__ __device__ inline int num_parts(int num_experts) {
  const int rows = kRowThreads / (histogram_stride(num_experts) / 8);
  return rows < 64 ? rows : 64;
}
inline std::size_t row_shared_bytes(int num_experts) {
  return sizeof(int) *
         static_cast<std::size_t>(num_experts * kTileWords + 2 * histogram_stride(num_experts) + 4 +
                                  num_parts(num_experts) * part_stride(num_experts));
}
__device__ inline RowShared row_shared(int* memory, int num_experts) {
  const int stride = histogram_stride(num_experts);
  int* start = memory;
  int* parts = start + 2 * stride + 4;
  return {reinterpret_cast<unsigned*>(parts + num_parts(num_experts) * part_stride(num_experts)),
          parts, start, start + stride, start + 2 * stride};
}

/// The expert of pair i of the tile that begins at token `first`; -1: the slot is unselected.
__device__ inline int expert_of(const CompressCall& call, std::size_t first, int i) {
  const int expert = call.expert_ids[first * call.max_k + i];
  if (!call.distinct)
    return static_cast<unsigned>(expert) < static_cast<unsigned>(call.num_experts) ? expert : -1;
  const int token = i / call.max_k;
  return i - token * call.max_k < call.num_selected[first + token] ? expert : -1;
}

__device__ inline void mark(const CompressCall& call, const RowShared& shared, int i, int expert) {
  const int token = i / call.max_k;
  if (expert >= 0) atomicOr(&shared.tokens[expert * kTileWords + token / 32], 1u << (token % 32));
}

/// Every thread's sums of 8 experts over some of the chunks.
__device__ inline void add_chunks(const CompressCall& call, int num_chunks,
                                  const RowShared& shared) {
  const int columns = histogram_stride(call.num_experts) / 8, rows = num_parts(call.num_experts);
  const int row = threadIdx.x / columns, column = threadIdx.x % columns;
  if (row >= rows) return;
  int all[8] = {}, before[8] = {};
#pragma unroll 2
  for (int c = row; c < num_chunks; c += rows) {
    const uint4 counts = reinterpret_cast<const uint4*>(
        call.histograms)[static_cast<std::size_t>(c) * columns + column];
    const unsigned pairs[4] = {counts.x, counts.y, counts.z, counts.w};
    const bool earlier = c < static_cast<int>(blockIdx.x);
#pragma unroll
    for (int i = 0; i < 8; ++i) {
      const int count = i % 2 == 0 ? pairs[i / 2] & 0xffff : pairs[i / 2] >> 16;
      all[i] += count;
      before[i] += earlier ? count : 0;
    }
  }
  int* part = shared.parts + row * part_stride(call.num_experts) + column * 8;
#pragma unroll
  for (int i = 0; i < 8; ++i)
    part[i] = all[i], part[histogram_stride(call.num_experts) + i] = before[i];
}

/// Sums of the parts into start and before, which lie side by side: four threads a sum.
__device__ inline void add_parts(const CompressCall& call, const RowShared& shared) {
  const int stride = part_stride(call.num_experts), rows = num_parts(call.num_experts);
  for (int o = threadIdx.x / 4; o < 2 * histogram_stride(call.num_experts); o += kRowThreads / 4) {
    int sum = 0;
#pragma unroll 4
    for (int row = threadIdx.x % 4; row < rows; row += 4) sum += shared.parts[row * stride + o];
    sum += __shfl_xor_sync(0xffffffffu, sum, 1);
    sum += __shfl_xor_sync(0xffffffffu, sum, 2);
    if (threadIdx.x % 4 == 0) shared.start[o] = sum;
  }
}

/// One warp: sums before each expert in place of the sums; returns the whole to all its lanes.
__device__ inline int scan(int* values, int n) {
  int total = 0;
  for (int base = 0; base < n; base += 32) {
    const int i = base + static_cast<int>(threadIdx.x);
    const int own = i < n ? values[i] : 0;
    int sum = own;
    for (int step = 1; step < 32; step *= 2) {
      const int lower = __shfl_up_sync(0xffffffffu, sum, step);
      if (static_cast<int>(threadIdx.x) >= step) sum += lower;
    }
    if (i < n) values[i] = total + sum - own;
    total += __shfl_sync(0xffffffffu, sum, 31);
  }
  return total;
}

/// Pair i goes behind those of its expert in other chunks, in tiles before, and of the tile's
/// tokens before.
__device__ inline void place(const CompressCall& call, const RowShared& shared, std::size_t first,
                             int i, int expert) {
  if (expert < 0) return;
  const int token = i / call.max_k;
  const unsigned* words = shared.tokens + expert * kTileWords;
  int rank = shared.start[expert] + shared.before[expert];
#pragma unroll
  for (int w = 0; w < kTileWords; ++w) {
    const int below = token - 32 * w;  // tokens of this word that come before
    const unsigned mask = below >= 32 ? 0xffffffffu : below > 0 ? (1u << below) - 1 : 0u;
    rank += __popc(words[w] & mask);
  }
  call.row_pairs[rank] = static_cast<int>(first) * call.max_k + i;
}

/// The tiles after the first, which is in place: counts it, then marks and places each.
__device__ inline void place_tiles(const CompressCall& call, const RowShared& shared,
                                   std::size_t first, std::size_t end) {
  for (std::size_t tile = first + kTile; tile < end; tile += kTile) {
    const int num = static_cast<int>(::min(end - tile, kTile)) * call.max_k;
    __syncthreads();
    for (int e = threadIdx.x; e < call.num_experts; e += kRowThreads) {
      int count = 0;
      for (int w = 0; w < kTileWords; ++w) {
        count += __popc(shared.tokens[e * kTileWords + w]);
        shared.tokens[e * kTileWords + w] = 0;
      }
      shared.before[e] += count;
    }
    __syncthreads();
    for (int i = threadIdx.x; i < num; i += kRowThreads)
      mark(call, shared, i, expert_of(call, tile, i));
    __syncthreads();
    for (int i = threadIdx.x; i < num; i += kRowThreads)
      place(call, shared, tile, i, expert_of(call, tile, i));
  }
}

/// The first tile's pairs are read while the counts are.
__device__ inline void place_chunk(const CompressCall& call, int num_chunks, std::size_t first,
                                   std::size_t end, const RowShared& shared) {
  const int n = call.num_experts, num = static_cast<int>(::min(end - first, kTile)) * call.max_k;
  int held[kHeld];
#pragma unroll
  for (int h = 0; h < kHeld; ++h) {
    const int i = threadIdx.x + h * kRowThreads;
    held[h] = i < num ? expert_of(call, first, i) : -1;
  }
  add_chunks(call, num_chunks, shared);
#pragma unroll
  for (int h = 0; h < kHeld; ++h) mark(call, shared, threadIdx.x + h * kRowThreads, held[h]);
  for (int i = threadIdx.x + kHeld * kRowThreads; i < num; i += kRowThreads)
    mark(call, shared, i, expert_of(call, first, i));
  __syncthreads();
  add_parts(call, shared);
  __syncthreads();
  if (blockIdx.x == 0 && call.expert_counts != nullptr) {
    for (int e = threadIdx.x; e < n; e += kRowThreads) call.expert_counts[e] = shared.start[e];
    __syncthreads();
  }
  if (threadIdx.x < 32) {
    const int sum = scan(shared.start, n);
    if (threadIdx.x == 0) *shared.total = sum;
  }
  __syncthreads();
#pragma unroll
  for (int h = 0; h < kHeld; ++h)
    place(call, shared, first, threadIdx.x + h * kRowThreads, held[h]);
  for (int i = threadIdx.x + kHeld * kRowThreads; i < num; i += kRowThreads)
    place(call, shared, first, i, expert_of(call, first, i));
  place_tiles(call, shared, first, end);
}

/// Counts alone, by one block.
__device__ inline void count_only(const CompressCall& call, int num_chunks,
                                  const RowShared& shared) {
  add_chunks(call, num_chunks, shared);
  __syncthreads();
  add_parts(call, shared);
  __syncthreads();
  for (int e = threadIdx.x; e < call.num_experts; e += kRowThreads)
    call.expert_counts[e] = shared.start[e];
}

__global__ void __launch_bounds__(kRowThreads)
    compress(const __grid_constant__ CompressCall call, int num_chunks, std::size_t chunk_size) {
  extern __shared__ int row_memory[];
  const RowShared shared = row_shared(row_memory, call.num_experts);
  for (int i = threadIdx.x; i < call.num_experts * kTileWords; i += kRowThreads)
    shared.tokens[i] = 0;
  __syncthreads();
  wait_for_stream();
  if (call.row_offsets == nullptr) return count_only(call, num_chunks, shared);
  const std::size_t first = blockIdx.x * chunk_size;
  place_chunk(call, num_chunks, first, ::min(first + chunk_size, call.num_tokens), shared);
  if (blockIdx.x == 0) {
    for (int e = threadIdx.x; e < call.num_experts; e += kRowThreads)
      call.row_offsets[e] = shared.start[e];
    if (threadIdx.x == 0) call.row_offsets[call.num_experts] = *shared.total;
  }
  const std::size_t num_pairs = call.num_tokens * call.max_k;
  for (std::size_t i =
           *shared.total + blockIdx.x * static_cast<std::size_t>(kRowThreads) + threadIdx.x;
       i < num_pairs; i += static_cast<std::size_t>(gridDim.x) * kRowThreads)
    call.row_pairs[i] = -1;
}

}  // namespace bhroute::kernels::cuda
