#pragma once
// results.json -> one self-contained HTML page.

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "bhroute/core/error.h"

namespace bhroute::evaluation {

/// The page for a sweep's results.json (as parsed). Errors: a key that the page needs is missing or of the wrong type.
Result<std::string> render_report(const nlohmann::json& results, std::string_view where);

/// The verdict in words, computed from the numbers: one paragraph a sentence list, plain text.
Result<std::vector<std::string>> verdict(const nlohmann::json& results, std::string_view where);

}  // namespace bhroute::evaluation
