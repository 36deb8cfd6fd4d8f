#include <bit>
#include <cstdint>
#include <limits>
#include <string_view>

#include "bhroute/calibration/pickle.h"

namespace bhroute::calibration {
namespace {

static_assert(std::endian::native == std::endian::little,
              "numbers are written as they lie in memory");

template <class T>
std::string raw(T value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

std::string text(std::string_view utf8) {
  return 'X' + raw(static_cast<std::uint32_t>(utf8.size())) + std::string(utf8);
}

std::string global(std::string_view module, std::string_view name) {
  return text(module) + text(name) + '\x93';
}

std::string integer(std::size_t value) {  // LONG1 of 8 bytes: no array has 2^63 values
  return std::string("\x8a\x08") + raw(static_cast<std::uint64_t>(value));
}

std::string bytes(std::string_view data) {
  if (data.size() > std::numeric_limits<std::uint32_t>::max())
    return '\x8e' + raw<std::uint64_t>(data.size()) + std::string(data);
  return 'B' + raw(static_cast<std::uint32_t>(data.size())) + std::string(data);
}

// numpy.dtype('f8', False, True), then its state (3, '<', None, None, None, -1, -1, 0).
std::string float64_dtype() {
  return global("numpy", "dtype") + text("f8") + "\x89\x88\x87R(K\x03" + text("<") + "NNNJ" +
         raw(-1) + 'J' + raw(-1) + std::string("K\0tb", 4);
}

// _reconstruct(ndarray, (0,), b'b'), then its state (1, (n,), dtype, False, data). The old name of
// numpy's module: numpy 2 still finds it, numpy 1 knows no other.
std::string array(const std::vector<double>& values) {
  const std::string_view data(reinterpret_cast<const char*>(values.data()),
                              values.size() * sizeof(double));
  return global("numpy.core.multiarray", "_reconstruct") + global("numpy", "ndarray") +
         std::string("K\0\x85", 3) + bytes("b") + "\x87R(K\x01" + integer(values.size()) + '\x85' +
         float64_dtype() + '\x89' + bytes(data) + "tb";
}

}  // namespace

std::string write_pickle(const std::vector<std::pair<std::string, std::vector<double>>>& arrays) {
  std::string out = "\x80\x04}";
  for (const auto& [name, values] : arrays) out += text(name) + array(values) + 's';
  return out + '.';
}

}  // namespace bhroute::calibration
