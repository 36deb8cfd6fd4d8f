#pragma once
// results.json -> one self-contained HTML page.

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bhroute/core/error.h"

namespace bhroute::evaluation {

/// The page for a sweep's results.json (as parsed). `others` are results of further models on the
/// same text: their runs stand beside the first one's (join_results pairs them). A key `check`
/// holds what `bhroute check` wrote. Errors: a key that the page needs is missing or of the wrong
/// type.
Result<std::string> render_report(const nlohmann::json& results, std::string_view where,
                                  std::span<const nlohmann::json> others = {});

/// The verdict in words, computed from the numbers: one paragraph a sentence list, plain text.
Result<std::vector<std::string>> verdict(const nlohmann::json& results, std::string_view where,
                                         std::span<const nlohmann::json> others = {});

/// Puts reference_difference, _low and _high (nats, paired, 95 %) against the baseline of `first`
/// into every run of `other`, whose folders are given. Errors: another text, windows or scoring; no
/// baseline; losses missing.
Result<void> pair_with_first(nlohmann::json& other, const std::filesystem::path& other_folder,
                             const nlohmann::json& first,
                             const std::filesystem::path& first_folder);

}  // namespace bhroute::evaluation
