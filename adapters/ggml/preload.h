#pragma once
// The way in for programs that never look for backends: `bhroute exec` puts the plugin into
// LD_PRELOAD, and it registers itself before main. See docs/decisions/0022-loading-the-plugin.md.

namespace bhroute::ggml {

/// What `bhroute exec` tells the plugin: "<process id>:<descriptor>". The plugin writes a byte to
/// the descriptor when a host takes it; the process with that id looks at its end whether any did.
inline constexpr const char* kExecVariable = "BHROUTE_EXEC";

/// A function of the plugin that no other library has: by it `bhroute exec` knows it.
inline constexpr const char* kVersionSymbol = "bhroute_ggml_version";

/// Called at load time. `register_plugin` registers with a ggml found in the global scope and is
/// called only if this process was started by `bhroute exec`, preloaded the plugin and has
/// registered backends already; a host that loads its backends later finds the plugin by
/// GGML_BACKEND_PATH. A plugin that the host itself loads waits for the host's call: registered
/// before it, it would be unloaded as one too many.
void enter_by_preload(void (*register_plugin)());
/// Called when a host has taken the plugin.
void mark_taken();

}  // namespace bhroute::ggml
