// A counting sort by expert that keeps the tokens' order: each block places one chunk of tokens,
// knowing how many pairs the chunks before it have of each expert.

#include <algorithm>

#include "kernels/compressed_rows_cuda.cuh"
#include "kernels/stream_order_cuda.cuh"

namespace bhroute::kernels::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kWords = kTile / 32;

/// A block's shared memory, an element an expert.
struct Shared {
  int* start;   // of all pairs in the first `num_experts`, then where the chunk's next pair goes
  int* before;  // pairs of the chunks before
  unsigned* tokens;  // [num_experts][kWords]: which tokens of the tile selected it
};

/// Sums over the chunks' counts, all threads at once: of every chunk into `start`, of those before
/// this block's into `before`.
__device__ void add_chunks(const CompressCall& call, int num_chunks, const Shared& shared) {
  const int n = call.num_experts;
  for (int e = threadIdx.x; e < n; e += kThreads) shared.start[e] = shared.before[e] = 0;
  __syncthreads();
  const int parts = ::max(1, kThreads / n);
  if (static_cast<int>(threadIdx.x) < parts * n || parts == 1) {
    for (int e = parts == 1 ? threadIdx.x : threadIdx.x % n; e < n; e += kThreads) {
      int all = 0, before = 0;
#pragma unroll 8
      for (int c = parts == 1 ? 0 : threadIdx.x / n; c < num_chunks; c += parts) {
        const int count = call.histograms[static_cast<std::size_t>(c) * n + e];
        all += count;
        before += c < static_cast<int>(blockIdx.x) ? count : 0;
      }
      atomicAdd(&shared.start[e], all);
      atomicAdd(&shared.before[e], before);
    }
  }
  __syncthreads();
}

/// One warp: sums before each expert in place of the sums; returns the whole to all its lanes.
__device__ int scan(int* values, int n) {
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

/// The pairs of the tile that begins at token `first`, in the order of the tokens.
__device__ void place_tile(const CompressCall& call, std::size_t first, std::size_t end,
                           const Shared& shared) {
  const int n = call.num_experts;
  const int num = static_cast<int>(::min(end - first, kTile)) * call.max_k;
  for (int i = threadIdx.x; i < n * kWords; i += kThreads) shared.tokens[i] = 0;
  __syncthreads();
  const auto expert_of = [&](int i, int token) {
    const int slot = i - token * call.max_k;
    return slot < call.num_selected[first + token] ? call.expert_ids[first * call.max_k + i] : -1;
  };
  for (int i = threadIdx.x; i < num; i += kThreads) {
    const int token = i / call.max_k, expert = expert_of(i, token);
    if (expert >= 0) atomicOr(&shared.tokens[expert * kWords + token / 32], 1u << (token % 32));
  }
  __syncthreads();
  for (int i = threadIdx.x; i < num; i += kThreads) {
    const int token = i / call.max_k, expert = expert_of(i, token);
    if (expert < 0) continue;
    const unsigned* words = shared.tokens + expert * kWords;
    int rank = __popc(words[token / 32] & ((1u << (token % 32)) - 1));
    for (int w = 0; w < token / 32; ++w) rank += __popc(words[w]);
    call.row_pairs[shared.start[expert] + rank] = static_cast<int>(first) * call.max_k + i;
  }
  __syncthreads();
  for (int e = threadIdx.x; e < n; e += kThreads) {
    for (int w = 0; w < kWords; ++w) shared.start[e] += __popc(shared.tokens[e * kWords + w]);
  }
}

__global__ void __launch_bounds__(kThreads)
    compress(const CompressCall call, int num_chunks, std::size_t chunk_size) {
  extern __shared__ int memory[];
  __shared__ int total;
  const int n = call.num_experts;
  const Shared shared{memory, memory + n, reinterpret_cast<unsigned*>(memory + 2 * n)};
  wait_for_stream();
  add_chunks(call, num_chunks, shared);
  if (blockIdx.x == 0 && call.expert_counts != nullptr) {
    for (int e = threadIdx.x; e < n; e += kThreads) call.expert_counts[e] = shared.start[e];
  }
  if (call.row_offsets == nullptr) return;
  __syncthreads();
  if (threadIdx.x < 32) {
    const int sum = scan(shared.start, n);
    if (threadIdx.x == 0) total = sum;
  }
  __syncthreads();
  for (int e = threadIdx.x; e < n; e += kThreads) {
    if (blockIdx.x == 0) call.row_offsets[e] = shared.start[e];
    shared.start[e] += shared.before[e];
  }
  if (blockIdx.x == 0 && threadIdx.x == 0) call.row_offsets[n] = total;
  const std::size_t first = blockIdx.x * chunk_size,
                    end = ::min(first + chunk_size, call.num_tokens);
  for (std::size_t tile = first; tile < end; tile += kTile) {
    place_tile(call, tile, end, shared);
    __syncthreads();
  }
  const std::size_t num_pairs = call.num_tokens * call.max_k;
  for (std::size_t i = total + blockIdx.x * static_cast<std::size_t>(kThreads) + threadIdx.x;
       i < num_pairs; i += static_cast<std::size_t>(gridDim.x) * kThreads)
    call.row_pairs[i] = -1;
}

}  // namespace

CudaLaunch compress_rows_cuda(const CompressCall& call, cudaStream_t stream) {
  const int chunks = static_cast<int>(num_chunks(call.num_tokens));
  const bool place = call.row_offsets != nullptr;
  const unsigned blocks = place ? static_cast<unsigned>(std::max(chunks, 1)) : 1u;
  const std::size_t bytes = static_cast<std::size_t>(call.num_experts) * (2 + kWords) * sizeof(int);
  return launch_in_order(compress, blocks, kThreads, bytes, stream, call, chunks,
                         chunk_size(call.num_tokens));
}

}  // namespace bhroute::kernels::cuda
