#pragma once
// The CPU backend of the host that does the plugin's arithmetic, its threads, and an arena for the
// small graphs handed to it. One for each of the host's contexts.

#include <cstddef>
#include <span>
#include <vector>

#include "ggml/host_ggml.h"

namespace bhroute::ggml {

class InnerBackend {
 public:
  InnerBackend() = default;
  ~InnerBackend();
  InnerBackend(const InnerBackend&) = delete;
  InnerBackend& operator=(const InnerBackend&) = delete;

  /// The next graphs' threads: of the host's pool, or, with null, of one of our own.
  void set_threads(int num_threads, ggml_threadpool_t host_pool) {
    num_threads_ = num_threads;
    host_pool_ = host_pool;
  }
  void set_abort_callback(ggml_abort_callback callback, void* data);

  /// Computes a graph of the host's as it is.
  ggml_status compute(ggml_cgraph* graph);
  /// Computes these nodes in this order; views may be among them.
  ggml_status compute(std::span<ggml_tensor* const> nodes);
  /// The same in this thread alone, for a little work: waking the others would take longer.
  ggml_status compute_alone(std::span<ggml_tensor* const> nodes);

  /// Starts a new small graph: what was made in the arena before is gone. Tensors made in it have
  /// no memory until someone sets `data`.
  ggml_context* fresh_arena();

 private:
  bool is_ready();
  ggml_cgraph* graph_of(std::span<ggml_tensor* const> nodes);
  ggml_threadpool_t new_pool(int num_threads) const;
  void use_pool(ggml_backend_t cpu, ggml_threadpool_t pool) const;
  ggml_threadpool_t fitting_pool();
  void fit_threads();
  template <class Function>
  Function function(const char* name) const;

  ggml_backend_t cpu_ = nullptr, alone_ = nullptr;
  int num_threads_ = GGML_DEFAULT_N_THREADS;
  int fitted_threads_ = 0, pool_threads_ = 0;
  ggml_threadpool_t pool_ = nullptr, alone_pool_ = nullptr;      // our own
  ggml_threadpool_t host_pool_ = nullptr, used_pool_ = nullptr;  // used_pool_: of cpu_
  ggml_abort_callback abort_callback_ = nullptr;
  void* abort_data_ = nullptr;
  std::vector<std::byte> arena_memory_, graph_memory_;
  ggml_context* arena_ = nullptr;
  ggml_context* graphs_ = nullptr;
};

}  // namespace bhroute::ggml
