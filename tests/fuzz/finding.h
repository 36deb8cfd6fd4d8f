#pragma once
// What a target does about a broken promise that no sanitizer sees.

#include <cstdio>
#include <cstdlib>
#include <string>

namespace bhroute::fuzz {

/// Ends the program, so that libFuzzer keeps the input.
[[noreturn]] inline void finding(const std::string& what) {
  std::fprintf(stderr, "finding: %s\n", what.c_str());
  std::abort();
}

inline void require(bool holds, const char* what) {
  if (!holds) finding(what);
}

}  // namespace bhroute::fuzz
