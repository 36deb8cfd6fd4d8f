#pragma once
// JSON from a stranger: the one way by which a file's bytes become a JSON value, and its way back.

#include <cstddef>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "bhroute/core/error.h"

namespace bhroute {

/// Deeper values are refused: copying, comparing and writing them recurses, and would overflow the
/// stack.
inline constexpr std::size_t kMaxJsonDepth = 64;
/// Values that take more, by an estimate from above, are refused: two bytes of a file can become a
/// hundred of memory.
inline constexpr std::size_t kMaxJsonMemory = std::size_t{256} << 20;

/// Errors (invalid_input): not JSON, by line and column; a key twice in one object; nested deeper
/// than kMaxJsonDepth; more than kMaxJsonMemory to hold. Nothing is built beyond the fault.
Result<nlohmann::json> parse_json(std::string_view content, const std::string& where);

/// A file's JSON; messages call it `path`. Errors: read_file's (no file, larger than `max_bytes`),
/// parse_json's.
Result<nlohmann::json> read_json(const std::filesystem::path& path, std::size_t max_bytes);

/// One line, or with `indent` blanks a level. Bytes that are no UTF-8, as paths may have, become
/// U+FFFD: a JSON text has none.
std::string dump_json(const nlohmann::json& value, int indent = -1);

/// What the JSON library's exception says, without the library's name and number:
/// "key 'model' not found".
std::string json_problem(std::string_view what);

}  // namespace bhroute
