#pragma once
// A block of CUDA threads on the CPU (x86-64), for the kernels' logic where there is no GPU: every
// thread is a fibre, and each collective waits for the lanes that it names. Include before the
// kernels' headers.

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>
#undef __device__
#undef __global__
#undef __grid_constant__
#undef __host__
#undef __launch_bounds__
#undef __noinline__
#undef __shared__
#define __device__
#define __global__
#define __grid_constant__
#define __host__
#define __launch_bounds__(...)
#define __noinline__
#define __shared__  // what a kernel declares as extern memory, the test defines

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <vector>

/// Saves the callee's registers on the running stack, stores its pointer, and goes on where `to`
/// left off.
extern "C" void host_block_switch(void** from, void* to);
asm(R"(
.text
.type host_block_switch, @function
host_block_switch:
  pushq %rbp; pushq %rbx; pushq %r12; pushq %r13; pushq %r14; pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15; popq %r14; popq %r13; popq %r12; popq %rbx; popq %rbp
  ret
.size host_block_switch, .-host_block_switch
)");

namespace host_block {

struct Index {
  unsigned x;
};
struct Barrier {
  int arrived = 0;
  unsigned generation = 0;
};
struct Warp {
  std::uint64_t values[2]
                      [32];  // of this exchange and the one before, which some lanes may still read
  Barrier all, part[32];     // part: by the lowest lane of a mask
};
struct Fibre {
  void* stack_pointer = nullptr;
  bool done = false;
  std::unique_ptr<char[]> stack;
};
struct Block {
  std::vector<Fibre> fibres;
  std::vector<Warp> warps;
  Barrier barrier;
  int current = 0;
  void* stack_pointer = nullptr;
  std::function<void()> body;
};
inline Block* block = nullptr;  // the one that runs

inline int lane() { return block->current % 32; }
inline void yield() {
  host_block_switch(&block->fibres[block->current].stack_pointer, block->stack_pointer);
}
inline void entry() {
  block->body();
  block->fibres[block->current].done = true;
  yield();
  std::abort();
}
inline void wait(Barrier& barrier, int expected) {
  const unsigned generation = barrier.generation;
  if (++barrier.arrived == expected) {
    barrier.arrived = 0;
    ++barrier.generation;
  }
  while (barrier.generation == generation) yield();
}

/// A stack on which entry() begins, aligned as after a call.
inline void* first_frame(char* stack, std::size_t size) {
  const auto top = reinterpret_cast<std::uintptr_t>(stack + size) & ~std::uintptr_t{15};
  auto* words = reinterpret_cast<void**>(top) - 1;
  *--words = reinterpret_cast<void*>(&entry);
  for (int i = 0; i < 6; ++i) *--words = nullptr;
  return words;
}

/// Every lane's value as bits, once all are there.
template <class T>
const std::uint64_t* exchange(T value) {
  Warp& warp = block->warps[block->current / 32];
  auto* values = warp.values[warp.all.generation % 2];
  std::memset(&values[lane()], 0, sizeof(std::uint64_t));
  std::memcpy(&values[lane()], &value, sizeof value);
  wait(warp.all, 32);
  return values;
}
template <class T>
T from_bits(std::uint64_t bits) {
  T value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}
template <class T, class Join>
T reduce(T value, Join join) {
  const auto* all = exchange(value);
  T result = from_bits<T>(all[0]);
  for (int i = 1; i < 32; ++i) result = join(result, from_bits<T>(all[i]));
  return result;
}

}  // namespace host_block

struct HostThreadIndex {
  struct {
    operator unsigned() const { return static_cast<unsigned>(host_block::block->current); }
  } x;
};
inline HostThreadIndex threadIdx;
inline host_block::Index blockIdx{0}, gridDim{1};

namespace host_block {

/// Runs `body` as each of `num_threads` threads of block `index` of `num_blocks`.
inline void run(int num_threads, unsigned index, unsigned num_blocks, std::function<void()> body) {
  constexpr std::size_t kStack = 64 * 1024;
  Block running;
  running.fibres.resize(static_cast<std::size_t>(num_threads));
  running.warps.resize(static_cast<std::size_t>(num_threads / 32));
  running.body = std::move(body);
  for (auto& fibre : running.fibres) {
    fibre.stack = std::make_unique_for_overwrite<char[]>(kStack);
    fibre.stack_pointer = first_frame(fibre.stack.get(), kStack);
  }
  block = &running, blockIdx = {index}, gridDim = {num_blocks};
  for (bool left = true; left;) {
    left = false;
    for (running.current = 0; running.current < num_threads; ++running.current) {
      Fibre& fibre = running.fibres[running.current];
      if (fibre.done) continue;
      left = true;
      host_block_switch(&running.stack_pointer, fibre.stack_pointer);
    }
  }
}

}  // namespace host_block

template <class T>
T __shfl_sync(unsigned, T value, int from, int width = 32) {
  const int lane = host_block::lane();
  return host_block::from_bits<T>(host_block::exchange(value)[lane / width * width + from % width]);
}
template <class T>
T __shfl_xor_sync(unsigned, T value, int mask) {
  return host_block::from_bits<T>(host_block::exchange(value)[host_block::lane() ^ mask]);
}
template <class T>
T __shfl_up_sync(unsigned, T value, int step, int width = 32) {
  const int lane = host_block::lane();
  return host_block::from_bits<T>(
      host_block::exchange(value)[lane % width >= step ? lane - step : lane]);
}
inline unsigned __ballot_sync(unsigned, bool predicate) {
  return host_block::reduce<unsigned>(predicate ? 1u << host_block::lane() : 0u, std::bit_or());
}
inline bool __any_sync(unsigned mask, bool predicate) {
  return __ballot_sync(mask, predicate) != 0;
}
inline bool __all_sync(unsigned mask, bool predicate) {
  return __ballot_sync(mask, predicate) == ~0u;
}
inline int __reduce_add_sync(unsigned, int v) { return host_block::reduce(v, std::plus()); }
inline int __reduce_max_sync(unsigned, int v) {
  return host_block::reduce(v, [](int a, int b) { return std::max(a, b); });
}
inline int __reduce_min_sync(unsigned, int v) {
  return host_block::reduce(v, [](int a, int b) { return std::min(a, b); });
}
inline unsigned __reduce_or_sync(unsigned, unsigned v) {
  return host_block::reduce(v, std::bit_or());
}
inline void __syncwarp(unsigned mask = ~0u) {
  auto& warp = host_block::block->warps[host_block::block->current / 32];
  host_block::wait(warp.part[std::countr_zero(mask)], std::popcount(mask));
}
inline void __syncthreads() {
  host_block::wait(host_block::block->barrier, static_cast<int>(host_block::block->fibres.size()));
}
inline int atomicAdd(int* p, int v) { return std::exchange(*p, *p + v); }
inline unsigned atomicOr(unsigned* p, unsigned v) { return std::exchange(*p, *p | v); }
inline float __int_as_float(int v) { return std::bit_cast<float>(v); }
inline int __float_as_int(float v) { return std::bit_cast<int>(v); }
inline int __popc(unsigned v) { return std::popcount(v); }
inline int __ffs(unsigned v) { return v == 0 ? 0 : std::countr_zero(v) + 1; }
inline int __clz(unsigned v) { return std::countl_zero(v); }
template <class T>
constexpr T max(T a, T b) {
  return a > b ? a : b;
}
template <class T>
constexpr T min(T a, T b) {
  return a < b ? a : b;
}
using std::isfinite;
using std::isinf;
