#pragma once
// The plugin's voice: one line on stderr. The host's own log is often switched off.

#include <cstdio>
#include <string_view>

namespace bhroute::ggml {

/// "bhroute: <message>" and a line end, in one write.
void say(std::string_view message);
/// What no one has to know: not said where BHROUTE_QUIET is set.
void say_info(std::string_view message);

/// Flushes a stream of the host's that no other thread holds: one that waits in a write to a full
/// pipe would keep the program from ending.
void flush_unless_held(std::FILE* stream);

}  // namespace bhroute::ggml
