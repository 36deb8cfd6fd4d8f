#pragma once

#include <string_view>

namespace bhroute {

/// The project's version, e.g. "0.1.0".
std::string_view version();

}  // namespace bhroute
