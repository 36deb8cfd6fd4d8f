#pragma once
// The most that is read of a file of each kind: a stranger's file may be of any size. docs/security.md has them in a table.

#include <cstddef>

namespace bhroute {

inline constexpr std::size_t kMebibyte = std::size_t{1} << 20;

inline constexpr std::size_t kMaxPolicyBytes = kMebibyte;
/// Lists of configurations, runs, results, rankings, checks.
inline constexpr std::size_t kMaxJsonBytes = 64 * kMebibyte;
inline constexpr std::size_t kMaxTaskBytes = 64 * kMebibyte;
inline constexpr std::size_t kMaxPickleBytes = 16 * kMebibyte;
/// One token's logits, as text or .npy.
inline constexpr std::size_t kMaxTokenLogitsBytes = 16 * kMebibyte;
inline constexpr std::size_t kMaxPValueBytes = 256 * kMebibyte;
/// Their number, since "0" and the end of a line are two bytes.
inline constexpr std::size_t kMaxPValues = std::size_t{1} << 25;
/// The losses of a run's single tokens.
inline constexpr std::size_t kMaxLossBytes = 512 * kMebibyte;
/// A text that is read whole; of a longer file, windows can be read (--windows).
inline constexpr std::size_t kMaxTextBytes = 512 * kMebibyte;
/// A table's header is held against the file's size before the rest is read, and a larger table than one layer may be is
/// checked layer by layer before it is held.
inline constexpr std::size_t kMaxTableBytes = 4096 * kMebibyte, kMaxTableLayerBytes = 320 * kMebibyte;

}  // namespace bhroute
