#pragma once
// JSON from a stranger: the one way by which a file's bytes become a JSON value.

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "bhroute/core/error.h"

namespace bhroute {

/// Deeper values are refused: copying, comparing and writing them recurses, and would overflow the
/// stack.
inline constexpr std::size_t kMaxJsonDepth = 64;

/// Errors (invalid_input): not JSON; nested deeper than kMaxJsonDepth.
Result<nlohmann::json> parse_json(std::string_view content, const std::string& where);

/// What the JSON library's exception says, without the library's name and number:
/// "key 'model' not found".
std::string json_problem(std::string_view what);

}  // namespace bhroute
