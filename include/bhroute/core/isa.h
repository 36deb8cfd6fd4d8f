#pragma once
// Which instruction set the kernels use. Highway picks the best one at run time; a person can force another:
// BHROUTE_FORCE_ISA=scalar|sse2|ssse3|sse4|avx2|avx3|... (names as `bhroute info` prints them, lower case).

#include <string>
#include <string_view>
#include <vector>

#include "bhroute/core/error.h"

namespace bhroute {

/// Instruction sets this binary was compiled for and this CPU has, best first; "scalar" is always the last.
std::vector<std::string> supported_isas();
/// The one the next kernel call will use.
std::string active_isa();
/// Forces one of supported_isas() for the process; "" returns to the best. Errors: an unknown or unsupported name.
Result<void> force_isa(std::string_view name);
/// Applies BHROUTE_FORCE_ISA, if set. The applications call it once at start.
Result<void> force_isa_from_environment();

}  // namespace bhroute
