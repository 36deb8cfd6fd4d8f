#pragma once
// Numbers as files hold them.

#include <bit>
#include <cstddef>
#include <cstring>
#include <string_view>
#include <vector>

namespace bhroute {

static_assert(std::endian::native == std::endian::little,
              "values are copied as they lie in the file");

/// The little-endian `Stored` in `bytes`, of any alignment, each as a `Value`. Bytes behind the
/// last whole one are left out.
template <class Stored, class Value = Stored>
std::vector<Value> decode_values(std::string_view bytes) {
  std::vector<Value> values(bytes.size() / sizeof(Stored));
  for (std::size_t i = 0; i < values.size(); ++i) {
    Stored value;
    std::memcpy(&value, bytes.data() + i * sizeof(Stored), sizeof(Stored));
    values[i] = static_cast<Value>(value);
  }
  return values;
}

/// float32 or float64.
template <class Value>
std::vector<Value> decode_floats(std::string_view bytes, bool is_float32) {
  return is_float32 ? decode_values<float, Value>(bytes) : decode_values<double, Value>(bytes);
}

}  // namespace bhroute
