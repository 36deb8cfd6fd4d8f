#pragma once
// A reader of Python pickles that executes nothing: protocols 2 to 5, and only dict, list, tuple, str, bytes,
// int, float, bool, None and numpy arrays and scalars of float32 and float64. Every other global is refused by
// name. Source: Python's pickletools documentation of the opcodes; numpy's ndarray.__reduce__.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "bhroute/core/error.h"

namespace bhroute::calibration {

struct PickleValue;
using PicklePtr = std::shared_ptr<PickleValue>;

struct PickleNone {};
struct PickleBytes { std::string bytes; };
struct PickleList { std::vector<PicklePtr> items; };
struct PickleTuple { std::vector<PicklePtr> items; };
struct PickleDict { std::vector<std::pair<PicklePtr, PicklePtr>> items; };
struct PickleArray { std::vector<std::size_t> shape; std::vector<double> values; bool is_float32 = false; };

struct PickleValue {
  std::variant<PickleNone, bool, std::int64_t, double, std::string, PickleBytes, PickleList, PickleTuple,
               PickleDict, PickleArray> value;
};

/// Errors (invalid_input): truncated, an opcode or a global that is not allowed (named), a size beyond the input,
/// a memo that refers to nothing, a structure nested deeper than 64 or that contains itself. Memory stays within a small multiple
/// of bytes.size().
Result<PicklePtr> read_pickle(std::string_view bytes, std::string_view where);

/// Protocol 4, {name: float64 array [n]}, as Python's pickle.load opens it with numpy installed.
std::string write_pickle(const std::vector<std::pair<std::string, std::vector<double>>>& arrays);

}  // namespace bhroute::calibration
