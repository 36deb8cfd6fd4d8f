#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace bhroute {

/// The candidate that `word` most likely meant, "" where none is near (Damerau-Levenshtein distance up to a
/// third of it).
std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates);
/// "did you mean X?", or "one of A, B, ..." where none is near: the `want` of an error.
std::string suggestion(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace bhroute
