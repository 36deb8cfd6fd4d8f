#pragma once
// The host's thread pool. Where ggml is built without OpenMP, a host's workers spin for a while
// after each piece of a graph, so workers of another pool would fight them for the cores; the
// plugin's graphs run on the host's own pool instead. libllama names it before each computation by
// a function that it asks the CPU backend's registry for: the question is answered with one that
// takes note.

#include "ggml/host_ggml.h"

namespace bhroute::ggml {

/// From now on the host's answers go through the plugin, once the CPU backend is registered. Called
/// when the host looks at its devices, as it does on each thread before it loads a model: whoever
/// asks the registry later has then seen the change.
void listen_for_host_pool();

/// The pool that this thread's host named since the last call; null = none, or it has none.
ggml_threadpool_t take_host_pool() noexcept;

}  // namespace bhroute::ggml
