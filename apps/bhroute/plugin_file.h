#pragma once

#include <string>

namespace bhroute::cli {

/// libggml-bhroute.so beside this program, in the build tree (bin/../lib) or installed
/// (bin/../lib/bhroute); "" = there is none.
std::string find_plugin_file();

}  // namespace bhroute::cli
