#include "bhroute/core/compare_doubles.h"

#include <algorithm>
#include <cstring>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/compare_doubles.cpp"
#include "hwy/foreach_target.h"
// Must come after foreach_target.h.
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace bhroute::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

constexpr hn::CappedTag<double, 8> kDoubles;  // no target of ours has more lanes
constexpr hn::CappedTag<std::uint8_t, 64> kBytes;
constexpr std::size_t kBlock =
    64;  // doubles, whose marks are the bits of one word before they are bytes
using Vector = hn::Vec<decltype(kDoubles)>;

HWY_INLINE std::size_t CountVector(const double* values, Vector bound) {
  return hn::CountTrue(kDoubles, hn::Le(hn::LoadU(kDoubles, values), bound));
}

/// The last, incomplete vector, of at least one: its first lanes were counted before.
HWY_INLINE std::size_t CountLast(const double* values, std::size_t size, std::size_t counted,
                                 Vector bound) {
  const std::size_t lanes = hn::Lanes(kDoubles);
  const auto before = hn::FirstN(kDoubles, lanes - (size - counted));
  const auto passes = hn::Le(hn::LoadU(kDoubles, values + size - lanes), bound);
  return hn::CountTrue(kDoubles, hn::AndNot(before, passes));
}

std::size_t CountAtMost(const double* values, std::size_t size, double bound) {
  const std::size_t lanes = hn::Lanes(kDoubles);
  const auto limit = hn::Set(kDoubles, bound);
  std::size_t even = 0, odd = 0, i = 0;
  for (; i + 4 * lanes <= size; i += 4 * lanes) {
    even += CountVector(values + i, limit) + CountVector(values + i + lanes, limit);
    odd += CountVector(values + i + 2 * lanes, limit) + CountVector(values + i + 3 * lanes, limit);
  }
  for (; i + lanes <= size; i += lanes) even += CountVector(values + i, limit);
  if (i < size && size >= lanes) return even + odd + CountLast(values, size, i, limit);
  for (; i < size; ++i) even += values[i] <= bound ? 1 : 0;
  return even + odd;
}

/// One bit a value of one vector.
HWY_INLINE std::uint64_t Bits(const double* values, Vector bound) {
  std::uint8_t bits = 0;
  hn::StoreMaskBits(kDoubles, hn::Le(hn::LoadU(kDoubles, values), bound), &bits);
  return bits;
}

/// Of at most a block.
HWY_INLINE std::uint64_t BlockBits(const double* values, std::size_t size, double bound) {
  const std::size_t lanes = hn::Lanes(kDoubles);
  const auto limit = hn::Set(kDoubles, bound);
  std::uint64_t bits = 0;
  std::size_t i = 0;
  for (; i + lanes <= size; i += lanes) bits |= Bits(values + i, limit) << i;
  for (; i < size; ++i) bits |= std::uint64_t{values[i] <= bound} << i;
  return bits;
}

HWY_INLINE void StoreBytes(std::uint64_t bits, std::uint8_t* marks) {
  const std::size_t lanes = hn::Lanes(kBytes);
  std::uint8_t packed[sizeof bits];
  for (std::size_t i = 0; i < kBlock; i += lanes) {
    std::memcpy(packed, &bits, sizeof bits);
    const auto mask = hn::LoadMaskBits(kBytes, packed);
    hn::StoreU(hn::IfThenElseZero(mask, hn::Set(kBytes, 1)), kBytes, marks + i);
    if (lanes < kBlock) bits >>= lanes;
  }
}

std::size_t MarkFew(const double* values, std::size_t size, double bound, std::uint8_t* marks) {
  const std::uint64_t bits = BlockBits(values, size, bound);
  std::uint8_t bytes[kBlock];
  StoreBytes(bits, bytes);
  std::memcpy(marks, bytes, size);
  return hwy::PopCount(bits);
}

std::size_t MarkAtMost(const double* values, std::size_t size, double bound, std::uint8_t* marks) {
  if (size < kBlock) return MarkFew(values, size, bound, marks);
  std::size_t count = 0;
  for (std::size_t i = 0; i < size; i += kBlock) {
    const std::size_t start = std::min(i, size - kBlock);  // the last block overlaps the one before
    const std::uint64_t bits = BlockBits(values + start, kBlock, bound);
    StoreBytes(bits, marks + start);
    count += hwy::PopCount(bits >> (i - start));
  }
  return count;
}

std::size_t KeepAtMost(const double* values, std::size_t size, double bound, double* kept) {
  const std::size_t lanes = hn::Lanes(kDoubles);
  const auto limit = hn::Set(kDoubles, bound);
  std::size_t count = 0, i = 0;
  for (; i + lanes <= size; i += lanes) {
    const auto vector = hn::LoadU(kDoubles, values + i);
    count += hn::CompressStore(vector, hn::Le(vector, limit), kDoubles, kept + count);
  }
  for (; i < size; ++i)
    if (values[i] <= bound) kept[count++] = values[i];
  return count;
}

}  // namespace
}  // namespace bhroute::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace bhroute {
HWY_EXPORT(CountAtMost);
HWY_EXPORT(MarkAtMost);
HWY_EXPORT(KeepAtMost);

std::size_t count_at_most(std::span<const double> values, double bound) noexcept {
  return HWY_DYNAMIC_DISPATCH(CountAtMost)(values.data(), values.size(), bound);
}

std::size_t mark_at_most(std::span<const double> values, double bound,
                         std::uint8_t* marks) noexcept {
  return HWY_DYNAMIC_DISPATCH(MarkAtMost)(values.data(), values.size(), bound, marks);
}

std::size_t keep_at_most(std::span<const double> values, double bound, double* kept) noexcept {
  return HWY_DYNAMIC_DISPATCH(KeepAtMost)(values.data(), values.size(), bound, kept);
}

}  // namespace bhroute
#endif  // HWY_ONCE
