// libggml-bhroute.so: a ggml backend of type ACCEL that routes MoE layers by a policy and computes
// the selected experts only. In sections as ggml's own backends have them: backend, device,
// registry, entry points.

#include <dlfcn.h>
#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <mutex>
#include <new>
#include <string>

#include "bhroute/core/isa.h"
#include "bhroute/core/log.h"
#include "bhroute/core/version.h"
#include "ggml/bhroute_ggml.h"
#include "ggml/block_router.h"
#include "ggml/claims.h"
#include "ggml/host_ggml.h"
#include "ggml/host_threads.h"
#include "ggml/node_name.h"
#include "ggml/policy_source.h"
#include "ggml/preload.h"
#include "ggml/say.h"
#include "ggml/statistics.h"

namespace bhroute::ggml {
namespace {

PolicySource& policies() {
  static PolicySource source;
  return source;
}

Statistics& statistics() {
  static Statistics counted;
  return counted;
}

// Nothing may be thrown into the host.
template <class Work>
ggml_status guarded(Work work) noexcept {
  try {
    return work();
  } catch (const std::bad_alloc&) {
    return GGML_STATUS_ALLOC_FAILED;
  } catch (const std::exception& error) {
    say(fmt::format("error: {}", error.what()));
    return GGML_STATUS_FAILED;
  }
}

// ---- backend ----

BlockRouter& router_of(ggml_backend_t backend) {
  return *static_cast<BlockRouter*>(backend->context);
}

const char* backend_name(ggml_backend_t) { return "bhroute"; }

void backend_free(ggml_backend_t backend) {
  delete static_cast<BlockRouter*>(backend->context);
  delete backend;
}

ggml_status backend_compute(ggml_backend_t backend, ggml_cgraph* graph) {
  return guarded([&] { return router_of(backend).compute(graph); });
}

void backend_optimize(ggml_backend_t backend, ggml_cgraph* graph,
                      ggml_backend_graph_optimize_params*) {
  guarded([&] { return router_of(backend).learn(graph), GGML_STATUS_SUCCESS; });
}

ggml_guid_t backend_guid() {
  static ggml_guid guid = {0x62, 0x68, 0x72, 0x6f, 0x75, 0x74, 0x65, 0x00,
                           0x9a, 0x1d, 0x4c, 0x07, 0xb3, 0x5e, 0x21, 0xf8};
  return &guid;
}

void set_num_threads(ggml_backend_t backend, int num_threads) {
  router_of(backend).inner().set_threads(num_threads, take_host_pool());
}

void set_abort_callback(ggml_backend_t backend, ggml_abort_callback callback, void* data) {
  router_of(backend).inner().set_abort_callback(callback, data);
}

// ---- device ----

const char* device_name(ggml_backend_dev_t) { return "bhroute"; }
const char* device_description(ggml_backend_dev_t) { return "adaptive expert routing"; }
enum ggml_backend_dev_type device_type(ggml_backend_dev_t) {
  listen_for_host_pool();
  return GGML_BACKEND_DEVICE_TYPE_ACCEL;
}

void device_memory(ggml_backend_dev_t, std::size_t* free, std::size_t* total) {
  *free = *total = 0;  // the host's own
}

void device_props(ggml_backend_dev_t device, ggml_backend_dev_props* props) {
  *props = {};
  props->name = device_name(device);
  props->description = device_description(device);
  props->type = device_type(device);
  props->caps.buffer_from_host_ptr = true;
}

ggml_backend_t device_backend(ggml_backend_dev_t device, const char*) {
  listen_for_host_pool();
  auto* backend = new ggml_backend{};
  backend->guid = backend_guid();
  backend->iface.get_name = backend_name;
  backend->iface.free = backend_free;
  backend->iface.graph_compute = backend_compute;
  backend->iface.graph_optimize = backend_optimize;
  backend->device = device;
  backend->context = new BlockRouter(policies(), statistics());
  return backend;
}

ggml_backend_buffer_type_t device_buffer_type(ggml_backend_dev_t) {
  return host.ggml_backend_cpu_buffer_type();
}

ggml_backend_buffer_t device_buffer_from_ptr(ggml_backend_dev_t, void* data, std::size_t size,
                                             std::size_t) {
  return host.ggml_backend_cpu_buffer_from_ptr(data, size);
}

void note_refused_weights(const ggml_tensor* op) {
  ggml_backend_buffer_type_t type = weights_buffer_type(op);
  const auto name = parse_moe_name(op->name);
  if (type != nullptr && !claims_buffer_type(type))
    statistics().count_untouched(name->layer, fmt::format("its experts lie in a buffer of type {}",
                                                          host.ggml_backend_buft_name(type)));
}

bool device_supports_op(ggml_backend_dev_t, const ggml_tensor* op) {
  if (is_expert_product(op)) note_refused_weights(op);
  return claims_op(op);
}

bool device_supports_buffer_type(ggml_backend_dev_t, ggml_backend_buffer_type_t type) {
  return claims_buffer_type(type);
}

// ---- registry ----

const char* registry_name(ggml_backend_reg_t) { return "bhroute"; }
std::size_t registry_num_devices(ggml_backend_reg_t) { return 1; }

ggml_backend_dev_t registry_device(ggml_backend_reg_t registry, std::size_t) {
  static ggml_backend_device device{};
  device.iface.get_name = device_name;
  device.iface.get_description = device_description;
  device.iface.get_memory = device_memory;
  device.iface.get_type = device_type;
  device.iface.get_props = device_props;
  device.iface.init_backend = device_backend;
  device.iface.get_buffer_type = device_buffer_type;
  device.iface.buffer_from_host_ptr = device_buffer_from_ptr;
  device.iface.supports_op = device_supports_op;
  device.iface.supports_buft = device_supports_buffer_type;
  device.reg = registry;
  return &device;
}

const char* refusal_of(const Result<void>& set) {
  thread_local std::string refusal;
  if (set) return nullptr;
  refusal = to_string(set.error());
  return refusal.c_str();
}

const char* set_policy(const char* policy) { return refusal_of(policies().set(policy)); }

const char* set_router(const char* policy, const bhroute_ggml_router* router) {
  return refusal_of(policies().set(policy, *router));
}

void get_statistics(bhroute_ggml_statistics* counted) { *counted = statistics().snapshot(); }
void reset_statistics() { statistics().reset(); }

void* registry_function(ggml_backend_reg_t, const char* name) {
  const auto is = [&](const char* known) { return std::strcmp(name, known) == 0; };
  if (is("ggml_backend_set_n_threads")) return reinterpret_cast<void*>(set_num_threads);
  if (is("ggml_backend_set_abort_callback")) return reinterpret_cast<void*>(set_abort_callback);
  if (is(BHROUTE_GGML_SET_POLICY)) return reinterpret_cast<void*>(set_policy);
  if (is(BHROUTE_GGML_SET_ROUTER)) return reinterpret_cast<void*>(set_router);
  if (is(BHROUTE_GGML_GET_STATISTICS)) return reinterpret_cast<void*>(get_statistics);
  if (is(BHROUTE_GGML_RESET_STATISTICS)) return reinterpret_cast<void*>(reset_statistics);
  return nullptr;
}

// ---- entry points ----

constexpr int kOldestApi = 2, kNewestApi = 3;

Result<int> find_api_version() {
  const int found = host_api_version();
  if (found == 0) return GGML_BACKEND_API_VERSION;  // no backend to read it from yet
  if (found < kOldestApi || found > kNewestApi)
    return failure("ggml", "unknown backend API version", std::to_string(found),
                   fmt::format("{} to {}", kOldestApi, kNewestApi));
  return found;
}

// Programs that set a policy from within print for themselves.
void say_at_exit() {
  statistics().finish_file();
  if (policies().is_set_from_within()) return;
  flush_unless_held(stdout);  // in a pipe the program's last lines wait there, and come before
  const bool is_routed = statistics().snapshot().layers_fused > 0;
  (is_routed ? say_info : say)(statistics().summary());
}

void configure() {
  policies(), statistics();  // made before the handler below, so that they outlive it
  set_log_sink([](Severity severity, std::string_view message) {
    if (severity == Severity::warning) say(fmt::format("warning: {}", message));
  });
  if (auto forced = force_isa_from_environment(); !forced) say(to_string(forced.error()));
  if (const char* file = std::getenv("BHROUTE_STATS")) statistics().write_to(file);
  if (const char* policy = std::getenv("BHROUTE_POLICY")) policies().take(policy);
  std::atexit(say_at_exit);
}

ggml_backend_reg_t make_registry(const void* caller) {
  if (auto bound = bind_host(caller); !bound) {
    say(fmt::format("not loaded: {}", to_string(bound.error())));
    return nullptr;
  }
  const auto api = find_api_version();
  if (!api) {
    say(fmt::format("not loaded: {}", to_string(api.error())));
    return nullptr;
  }
  static ggml_backend_reg registry{};
  registry.api_version = *api;
  registry.iface.get_name = registry_name;
  registry.iface.get_device_count = registry_num_devices;
  registry.iface.get_device = registry_device;
  registry.iface.get_proc_address = registry_function;
  static std::once_flag configured;
  std::call_once(configured, configure);
  return &registry;
}

ggml_backend_reg_t registry_for(const void* caller) {
  static std::mutex mutex;
  std::lock_guard lock(mutex);
  ggml_backend_reg_t made = make_registry(caller);
  if (made != nullptr) mark_taken();
  return made;
}

void register_in_global_ggml() {
  if (ggml_backend_reg_t registry = registry_for(nullptr)) host.ggml_backend_register(registry);
}

__attribute__((constructor)) void at_load() { enter_by_preload(register_in_global_ggml); }

}  // namespace
}  // namespace bhroute::ggml

extern "C" __attribute__((visibility("default"))) ggml_backend_reg_t ggml_backend_init(void) {
  return bhroute::ggml::registry_for(__builtin_return_address(0));
}

extern "C" __attribute__((visibility("default"))) const char* bhroute_ggml_version(void) {
  return bhroute::version().data();
}
