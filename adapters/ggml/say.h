#pragma once
// The plugin's voice: one line on stderr. The host's own log is often switched off.

#include <string_view>

namespace bhroute::ggml {

/// "bhroute: <message>" and a line end, in one write.
void say(std::string_view message);

}  // namespace bhroute::ggml
