#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace bhroute::cli {

/// The lines of a text, none longer than `width` characters (of one byte): broken at blanks, and
/// where a word is longer, behind one of its commas or bars, or anywhere. At least one line.
std::vector<std::string> wrap(std::string_view text, std::size_t width);

}  // namespace bhroute::cli
