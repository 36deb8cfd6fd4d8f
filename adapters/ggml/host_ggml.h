#pragma once
// The host's ggml, looked up by name when the plugin is loaded. Nothing of ggml is linked: a
// process may hold several copies (llama-cpp-python installs two), or load its own privately, and
// only the copy that loads the plugin is the right one. See
// docs/decisions/0022-loading-the-plugin.md.

#include <ggml-backend-impl.h>
#include <ggml-backend.h>
#include <ggml-cpu.h>
#include <ggml.h>

#include "bhroute/core/error.h"

namespace bhroute::ggml {

#define BHROUTE_HOST_FUNCTIONS(X)      \
  X(ggml_backend_buffer_get_type)      \
  X(ggml_backend_buft_is_host)         \
  X(ggml_backend_buft_name)            \
  X(ggml_backend_cpu_buffer_from_ptr)  \
  X(ggml_backend_cpu_buffer_type)      \
  X(ggml_backend_dev_backend_reg)      \
  X(ggml_backend_dev_by_type)          \
  X(ggml_backend_free)                 \
  X(ggml_backend_graph_compute)        \
  X(ggml_backend_init_by_type)         \
  X(ggml_backend_reg_count)            \
  X(ggml_backend_reg_get)              \
  X(ggml_backend_reg_get_proc_address) \
  X(ggml_backend_register)             \
  X(ggml_clamp)                        \
  X(ggml_custom_4d)                    \
  X(ggml_div)                          \
  X(ggml_free)                         \
  X(ggml_graph_add_node)               \
  X(ggml_graph_n_nodes)                \
  X(ggml_graph_nodes)                  \
  X(ggml_graph_overhead_custom)        \
  X(ggml_init)                         \
  X(ggml_is_contiguous)                \
  X(ggml_nelements)                    \
  X(ggml_new_graph_custom)             \
  X(ggml_new_tensor_2d)                \
  X(ggml_new_tensor_4d)                \
  X(ggml_op_name)                      \
  X(ggml_reset)                        \
  X(ggml_scale)                        \
  X(ggml_soft_max)                     \
  X(ggml_sum_rows)                     \
  X(ggml_tensor_overhead)              \
  X(ggml_type_name)                    \
  X(ggml_type_size)                    \
  X(ggml_view_3d)

struct HostGgml {
#define BHROUTE_MEMBER(name) decltype(&::name) name = nullptr;
  BHROUTE_HOST_FUNCTIONS(BHROUTE_MEMBER)
#undef BHROUTE_MEMBER
};

/// Filled by bind_host; every other file calls ggml through it.
extern HostGgml host;

/// Finds the ggml whose code contains `caller` (an address within it), or, with null, the one in
/// the global scope, and fills `host`. Errors (failure): a function is missing (named); ggml's
/// structures or operations differ from those the plugin was compiled against.
Result<void> bind_host(const void* caller);

/// The host's backend API version, read from a backend it has registered already; 0 if it has none
/// yet.
int host_api_version();

}  // namespace bhroute::ggml
