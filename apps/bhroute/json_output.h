#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "bhroute/core/json.h"
#include "bhroute/core/version.h"
#include "engine.h"

namespace bhroute::cli {

/// One key a line, its value compact: arrays of a number an expert stay readable. Bytes that are no
/// UTF-8 (in a path) are replaced rather than thrown over.
inline std::string json_text(const nlohmann::json& object) {
  std::string text;
  for (const auto& [key, value] : object.items()) {
    text += text.empty() ? "{\n  " : ",\n  ";
    text += dump_json(key) + ": ";
    text += dump_json(value);
  }
  return text + "\n}\n";
}

inline nlohmann::json versions_json() {
  return {{"bhroute", std::string(version())}, {"engine", engine_version()}};
}

}  // namespace bhroute::cli
