#include "llama/router_plugin.h"

#include <map>
#include <mutex>

#include "llama/engine.h"

namespace bhroute::llama {

Result<RouterPlugin> RouterPlugin::open(const std::string& path) {
  start_engine();
  take_engine_message();
  ggml_backend_reg_t registry = ggml_backend_load(path.c_str());
  if (registry == nullptr)
    return failure(path, "ggml cannot load the plugin: " + take_engine_message());
  const auto find = [&](auto& function, const char* name) {
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(
        ggml_backend_reg_get_proc_address(registry, name));
    return function != nullptr;
  };
  RouterPlugin plugin;
  if (!find(plugin.set_policy_, BHROUTE_GGML_SET_POLICY) ||
      !find(plugin.set_router_, BHROUTE_GGML_SET_ROUTER) ||
      !find(plugin.get_statistics_, BHROUTE_GGML_GET_STATISTICS) ||
      !find(plugin.reset_statistics_, BHROUTE_GGML_RESET_STATISTICS))
    return failure(path, "the plugin is of another version");
  plugin.set_no_router();
  return plugin;
}

Result<const RouterPlugin*> RouterPlugin::load(const std::string& path) {
  static std::mutex mutex;
  static std::map<std::string, RouterPlugin> loaded;  // nodes stay where they are
  std::lock_guard lock(mutex);
  if (const auto known = loaded.find(path); known != loaded.end()) return &known->second;
  auto plugin = open(path);
  if (!plugin) return tl::make_unexpected(plugin.error());
  return &loaded.emplace(path, *plugin).first->second;
}

Result<void> RouterPlugin::set_router(const std::string& policy,
                                      const bhroute_ggml_router& router) const {
  const char* refused = set_router_(policy.c_str(), &router);
  if (refused != nullptr) return failure("plugin", refused);
  return {};
}

bhroute_ggml_statistics RouterPlugin::statistics() const {
  bhroute_ggml_statistics counted{};
  get_statistics_(&counted);
  return counted;
}

}  // namespace bhroute::llama
