#include "ggml/inner_backend.h"

#include "ggml/node_name.h"

namespace bhroute::ggml {
namespace {

constexpr std::size_t kMostNodes = 1024;   // of a graph made here
constexpr std::size_t kMostTensors = 256;  // of the arena

ggml_context* make_context(std::vector<std::byte>& memory, std::size_t size) {
  memory.resize(size);
  return host.ggml_init({.mem_size = size, .mem_buffer = memory.data(), .no_alloc = true});
}

}  // namespace

template <class Function>
Function InnerBackend::function(const char* name) const {
  ggml_backend_reg_t reg = host.ggml_backend_dev_backend_reg(cpu_->device);
  return reinterpret_cast<Function>(host.ggml_backend_reg_get_proc_address(reg, name));
}

InnerBackend::~InnerBackend() {
  if (arena_ != nullptr) host.ggml_free(arena_);
  if (graphs_ != nullptr) host.ggml_free(graphs_);
  for (ggml_threadpool_t pool : {pool_, alone_pool_})
    if (pool != nullptr) function<decltype(&::ggml_threadpool_free)>("ggml_threadpool_free")(pool);
  for (ggml_backend_t backend : {cpu_, alone_})
    if (backend != nullptr) host.ggml_backend_free(backend);
}

// Made at the first computation: when the plugin is loaded the host may not have a CPU backend yet.
bool InnerBackend::is_ready() {
  if (graphs_ != nullptr) return true;
  cpu_ = host.ggml_backend_init_by_type(GGML_BACKEND_DEVICE_TYPE_CPU, nullptr);
  alone_ = host.ggml_backend_init_by_type(GGML_BACKEND_DEVICE_TYPE_CPU, nullptr);
  if (cpu_ == nullptr || alone_ == nullptr) return false;
  if (auto set = function<ggml_backend_set_n_threads_t>("ggml_backend_set_n_threads"))
    set(alone_, 1);
  use_pool(alone_, alone_pool_ = new_pool(1));
  graphs_ = make_context(graph_memory_, host.ggml_graph_overhead_custom(kMostNodes, false) +
                                            2 * host.ggml_tensor_overhead());
  set_abort_callback(abort_callback_, abort_data_);
  return true;
}

void InnerBackend::set_abort_callback(ggml_abort_callback callback, void* data) {
  abort_callback_ = callback;
  abort_data_ = data;
  if (cpu_ == nullptr) return;
  if (auto set = function<ggml_backend_set_abort_callback_t>("ggml_backend_set_abort_callback"))
    for (ggml_backend_t backend : {cpu_, alone_}) set(backend, callback, data);
}

// Our own sleep at once when idle: polling ones would fight the host's for the cores, and without
// any pool ggml starts threads for every graph (hosts without OpenMP) or allocates (those with it).
ggml_threadpool_t InnerBackend::new_pool(int num_threads) const {
  const auto make = function<decltype(&::ggml_threadpool_new)>("ggml_threadpool_new");
  if (make == nullptr) return nullptr;
  ggml_threadpool_params params = {};
  params.n_threads = num_threads;
  params.prio = GGML_SCHED_PRIO_NORMAL;
  params.poll = 0;
  return make(&params);
}

void InnerBackend::use_pool(ggml_backend_t cpu, ggml_threadpool_t pool) const {
  const auto use =
      function<decltype(&::ggml_backend_cpu_set_threadpool)>("ggml_backend_cpu_set_threadpool");
  if (use != nullptr) use(cpu, pool);
}

ggml_threadpool_t InnerBackend::fitting_pool() {
  if (host_pool_ != nullptr) return host_pool_;
  if (num_threads_ <= pool_threads_) return pool_;
  ggml_threadpool_t larger = new_pool(num_threads_);
  if (larger == nullptr) return pool_;
  if (used_pool_ == pool_) use_pool(cpu_, used_pool_ = larger);
  if (pool_ != nullptr) function<decltype(&::ggml_threadpool_free)>("ggml_threadpool_free")(pool_);
  pool_threads_ = num_threads_;
  return pool_ = larger;
}

void InnerBackend::fit_threads() {
  if (fitted_threads_ != num_threads_)
    if (auto set = function<ggml_backend_set_n_threads_t>("ggml_backend_set_n_threads"))
      set(cpu_, fitted_threads_ = num_threads_);
  if (ggml_threadpool_t pool = fitting_pool(); pool != used_pool_)
    use_pool(cpu_, used_pool_ = pool);
}

ggml_status InnerBackend::compute(ggml_cgraph* graph) {
  if (!is_ready()) return GGML_STATUS_FAILED;
  fit_threads();
  return host.ggml_backend_graph_compute(cpu_, graph);
}

ggml_cgraph* InnerBackend::graph_of(std::span<ggml_tensor* const> nodes) {
  if (!is_ready() || nodes.size() > kMostNodes) return nullptr;
  host.ggml_reset(graphs_);
  ggml_cgraph* graph = host.ggml_new_graph_custom(graphs_, nodes.size(), false);
  for (ggml_tensor* node : nodes) {
    if (is_view_like(node)) continue;
    node->flags |= GGML_TENSOR_FLAG_COMPUTE;
    host.ggml_graph_add_node(graph, node);
  }
  return graph;
}

ggml_status InnerBackend::compute(std::span<ggml_tensor* const> nodes) {
  if (nodes.empty()) return GGML_STATUS_SUCCESS;
  ggml_cgraph* graph = graph_of(nodes);
  return graph == nullptr ? GGML_STATUS_FAILED : compute(graph);
}

ggml_status InnerBackend::compute_alone(std::span<ggml_tensor* const> nodes) {
  if (nodes.empty()) return GGML_STATUS_SUCCESS;
  ggml_cgraph* graph = graph_of(nodes);
  return graph == nullptr ? GGML_STATUS_FAILED : host.ggml_backend_graph_compute(alone_, graph);
}

ggml_context* InnerBackend::fresh_arena() {
  if (arena_ == nullptr)
    arena_ = make_context(arena_memory_, kMostTensors * host.ggml_tensor_overhead());
  else
    host.ggml_reset(arena_);
  return arena_;
}

}  // namespace bhroute::ggml
