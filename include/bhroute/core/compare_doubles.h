#pragma once
// Comparisons of many doubles with one bound, by the widest vectors of this CPU (core/isa.h). NaN,
// as a value or as a bound, is never at most anything.

#include <cstddef>
#include <cstdint>
#include <span>

namespace bhroute {

/// How many values are <= bound.
std::size_t count_at_most(std::span<const double> values, double bound) noexcept;
/// In `marks`, values.size() bytes of the caller's that overlap no value, 1 where a value is <=
/// bound, else 0. Returns how many are.
std::size_t mark_at_most(std::span<const double> values, double bound,
                         std::uint8_t* marks) noexcept;
/// In `kept`, room for values.size() doubles of the caller's, the values that are <= bound, in their
/// order; beyond them it may be written too. Overlaps no value. Returns how many are.
std::size_t keep_at_most(std::span<const double> values, double bound, double* kept) noexcept;

}  // namespace bhroute
