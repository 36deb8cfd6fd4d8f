#pragma once

#include <span>
#include <string>

namespace bhroute::cli {

/// Quoted where a shell would take it for something else.
std::string shell_quoted(const std::string& word);
/// Words as a line that a shell reads back to them.
std::string shell_line(std::span<const std::string> words);

}  // namespace bhroute::cli
