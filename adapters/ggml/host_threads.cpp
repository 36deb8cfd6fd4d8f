#include "ggml/host_threads.h"

#include <dlfcn.h>

#include <atomic>
#include <cstring>
#include <mutex>
#include <utility>

namespace bhroute::ggml {
namespace {

using GetFunction = void* (*)(ggml_backend_reg_t, const char*);
using SetPool = decltype(&::ggml_backend_cpu_set_threadpool);

constexpr const char* kSetPool = "ggml_backend_cpu_set_threadpool";

std::atomic<GetFunction> asked_registry = nullptr;
std::atomic<SetPool> set_host_pool = nullptr;
std::atomic<bool> is_listening = false;
thread_local ggml_threadpool_t named_pool = nullptr;

void note_pool(ggml_backend_t cpu, ggml_threadpool_t pool) {
  named_pool = pool;
  set_host_pool.load()(cpu, pool);
}

void* answer(ggml_backend_reg_t registry, const char* name) {
  void* found = asked_registry.load()(registry, name);
  return found != nullptr && std::strcmp(name, kSetPool) == 0 ? reinterpret_cast<void*>(note_pool)
                                                              : found;
}

// The registry keeps our function's address, so the plugin may not go, whatever the host unloads.
void stay_loaded() {
  Dl_info info{};
  if (dladdr(reinterpret_cast<void*>(answer), &info) != 0)
    dlopen(info.dli_fname, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE);
}

}  // namespace

void listen_for_host_pool() {
  // The host looks for its CPU device by asking every device for its type, this plugin's too.
  thread_local bool is_asking = false;
  if (is_listening || is_asking) return;
  static std::mutex mutex;
  std::lock_guard lock(mutex);
  is_asking = true;
  ggml_backend_dev_t cpu = host.ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU);
  is_asking = false;
  if (cpu == nullptr || set_host_pool != nullptr) return;
  ggml_backend_reg_t registry = host.ggml_backend_dev_backend_reg(cpu);
  asked_registry = registry->iface.get_proc_address;
  if (asked_registry == nullptr) return;
  set_host_pool = reinterpret_cast<SetPool>(asked_registry.load()(registry, kSetPool));
  if (set_host_pool == nullptr) return;
  stay_loaded();
  registry->iface.get_proc_address = answer;
  is_listening = true;
}

ggml_threadpool_t take_host_pool() noexcept { return std::exchange(named_pool, nullptr); }

}  // namespace bhroute::ggml
