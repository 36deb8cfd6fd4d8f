#pragma once
// Working memory of one kernel call, on the stack: kernels allocate nothing.

#include <cstddef>
#include <cstdint>

namespace bhroute::kernels {

inline constexpr std::size_t kMaxExperts = 4096;
inline constexpr std::size_t kSlack = 64;  // a vector store may run past the last expert

/// Left uninitialised on purpose; every function writes what it reads.
struct Scratch {
  alignas(64) float logits[kMaxExperts + kSlack];
  alignas(64) float statistic[kMaxExperts + kSlack];
  alignas(64) std::int32_t candidates[kMaxExperts + kSlack];
  alignas(64) std::int32_t top[kMaxExperts + kSlack];
  alignas(64) std::int64_t keys[kMaxExperts + kSlack];
  alignas(64) double exps[kMaxExperts + kSlack];
  std::uint32_t counts[kMaxExperts + 1];
};

}  // namespace bhroute::kernels
