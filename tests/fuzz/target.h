#pragma once
// A fuzz target: what it does with bytes from a stranger. libFuzzer calls it by way of
// libfuzzer.cpp, the plain tests by way of replay.cpp.

#include <string_view>

namespace bhroute::fuzz {

/// Whether the reader accepts `bytes`. It may refuse them with an Error; whatever else happens is a
/// finding.
bool accepts(std::string_view bytes);

}  // namespace bhroute::fuzz
