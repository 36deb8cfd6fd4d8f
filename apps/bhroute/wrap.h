#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace bhroute::cli {

/// The lines of a text, none longer than `width` characters (of one byte): broken at blanks, and
/// where a word is longer, behind one of its commas or bars, or anywhere. At least one line; those
/// behind it begin with `hanging` blanks.
std::vector<std::string> wrap(std::string_view text, std::size_t width, std::size_t hanging = 0);

}  // namespace bhroute::cli
