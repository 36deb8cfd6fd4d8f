#pragma once
// Arrays in and out without copies: numpy's and any CPU tensor that speaks DLPack.

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <memory>
#include <string_view>
#include <vector>

#include "bhroute/core/logits_view.h"

namespace bhroute::python {

namespace nb = nanobind;

/// Any array in this machine's memory.
using AnyArray = nb::ndarray<nb::ro, nb::device::cpu>;
template <class T>
using Output = nb::ndarray<nb::numpy, T>;

using Shape = std::vector<std::size_t>;

/// Router logits as the caller holds them, float32 [num_tokens, num_experts] or [batch, seq,
/// num_experts] with rows at equal distances.
struct LogitsArgument {
  LogitsView view;
  Shape leading;  ///< the shape without its last dimension
};

/// Raises TypeError for another type or place, ValueError for another rank or for rows that are not
/// whole.
LogitsArgument read_logits(const AnyArray& logits);

/// `leading` and one more dimension.
Shape with_last(const Shape& leading, std::size_t last);

/// An array that shows memory of `owner`, which it keeps alive.
template <class T>
Output<T> show(const std::vector<T>& values, const Shape& shape, nb::handle owner) {
  return Output<T>(const_cast<T*>(values.data()), shape.size(), shape.data(), owner);
}

/// An array that owns what was in `values`.
template <class T>
Output<T> hand_over(std::vector<T> values, const Shape& shape) {
  auto* kept = new std::vector<T>(std::move(values));
  nb::capsule owner(kept, [](void* p) noexcept { delete static_cast<std::vector<T>*>(p); });
  return Output<T>(kept->data(), shape.size(), shape.data(), owner);
}

}  // namespace bhroute::python
