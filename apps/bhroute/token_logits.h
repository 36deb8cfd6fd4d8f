#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "bhroute/core/error.h"

namespace bhroute::cli {

/// One token's logits from a file, or from stdin for "-": text numbers separated by blanks or
/// commas, or a .npy of shape [N] or [1, N].
Result<std::vector<float>> read_token_logits(const std::string& path);
/// The same from memory; errors name the position of the word that is no number.
Result<std::vector<float>> parse_token_logits(std::string_view content, const std::string& where);

}  // namespace bhroute::cli
