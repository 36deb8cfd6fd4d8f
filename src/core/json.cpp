#include "bhroute/core/json.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace bhroute {
namespace {

/// The most brackets open at once, outside strings. Exact for JSON; for anything else the parser
/// has the last word.
std::size_t depth_of(std::string_view content) {
  std::size_t open = 0, most = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < content.size(); ++i) {
    const char c = content[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
      continue;
    }
    if (c == '"') in_string = true;
    if (c == '[' || c == '{') most = std::max(most, ++open);
    if ((c == ']' || c == '}') && open > 0) --open;
  }
  return most;
}

}  // namespace

Result<nlohmann::json> parse_json(std::string_view content, const std::string& where) {
  const std::size_t depth = depth_of(content);
  if (depth > kMaxJsonDepth)
    return invalid_input(where, "JSON nested too deep", std::to_string(depth) + " levels",
                         "at most " + std::to_string(kMaxJsonDepth));
  auto parsed = nlohmann::json::parse(content.begin(), content.end(), nullptr, false);
  if (parsed.is_discarded()) return invalid_input(where, "not JSON");
  return parsed;
}

// "[json.exception.out_of_range.403] key 'model' not found"
std::string json_problem(std::string_view what) {
  const std::size_t end = what.starts_with('[') ? what.find("] ") : std::string_view::npos;
  return std::string(end == std::string_view::npos ? what : what.substr(end + 2));
}

}  // namespace bhroute
