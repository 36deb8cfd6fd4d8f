#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "bhroute/core/version.h"
#include "engine.h"

namespace bhroute::cli {

/// Indented, one newline at the end; bytes that are no UTF-8 (in a path) are replaced rather than
/// thrown over.
inline std::string json_text(const nlohmann::json& object) {
  return object.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

inline nlohmann::json versions_json() {
  return {{"bhroute", std::string(version())}, {"engine", engine_version()}};
}

}  // namespace bhroute::cli
