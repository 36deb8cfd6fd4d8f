#pragma once
// A pickle's value as text, so that a test reads like Python.

#include <fmt/format.h>

#include <string>
#include <variant>

#include "bhroute/calibration/pickle.h"

namespace bhroute::calibration::testing {

struct PickleText {
  std::string operator()(PickleNone) const { return "None"; }
  std::string operator()(bool value) const { return value ? "True" : "False"; }
  std::string operator()(std::int64_t value) const { return fmt::format("{}", value); }
  std::string operator()(double value) const { return fmt::format("{}", value); }
  std::string operator()(const std::string& text) const { return "'" + text + "'"; }
  std::string operator()(const PickleBytes& bytes) const {
    return fmt::format("bytes[{}]", bytes.bytes.size());
  }
  std::string operator()(const PickleList& list) const {
    return fmt::format("[{}]", items(list.items));
  }
  std::string operator()(const PickleTuple& tuple) const {
    return fmt::format("({})", items(tuple.items));
  }
  std::string operator()(const PickleDict& dict) const {
    std::string text;
    for (const auto& [key, value] : dict.items)
      text += (text.empty() ? "" : ", ") + std::visit(*this, key->value) + ": " +
              std::visit(*this, value->value);
    return "{" + text + "}";
  }
  std::string operator()(const PickleArray& array) const {
    std::string text = array.is_float32 ? "f4(" : "f8(";
    for (std::size_t extent : array.shape) text += fmt::format("{}x", extent);
    for (double value : array.values) text += fmt::format(" {}", value);
    return text + ")";
  }
  std::string items(const std::vector<PicklePtr>& values) const {
    std::string text;
    for (const auto& value : values)
      text += (text.empty() ? "" : ", ") + std::visit(*this, value->value);
    return text;
  }
};

inline std::string text_of(const PicklePtr& value) {
  return std::visit(PickleText{}, value->value);
}

/// The value's text, or the error's.
inline std::string read_as_text(std::string_view bytes) {
  const auto value = read_pickle(bytes, "test.pkl");
  return value ? text_of(*value) : to_string(value.error());
}

}  // namespace bhroute::calibration::testing
