#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "bhroute/core/error.h"

namespace bhroute::cli {

/// A column of p-values from a CSV file, or from stdin for "-": one number a line, each between 0
/// and 1; a first line that is no number is a header; blank lines are skipped.
Result<std::vector<double>> read_p_values(const std::string& path);
/// The same from memory; errors name the line.
Result<std::vector<double>> parse_p_values(std::string_view content, const std::string& where);

}  // namespace bhroute::cli
