#pragma once
// One integer per expert that sorts as routing orders experts: larger logit first, then lower
// index.

#include <bit>
#include <cstddef>
#include <cstdint>

namespace bhroute::kernels {

/// A larger key comes first. The logit must not be NaN; -0 and +0 are equal.
inline std::int64_t sort_key(float logit, std::size_t index) noexcept {
  const auto bits = std::bit_cast<std::int32_t>(logit + 0.0f);  // turns -0 into +0
  const std::int32_t rising = bits ^ ((bits >> 31) & 0x7fffffff);
  return static_cast<std::int64_t>(rising) * (std::int64_t{1} << 32) +
         static_cast<std::int64_t>(0xffffffffu - index);
}

inline std::int32_t index_of_key(std::int64_t key) noexcept {
  return static_cast<std::int32_t>(0xffffffffu - static_cast<std::uint32_t>(key));
}

}  // namespace bhroute::kernels
