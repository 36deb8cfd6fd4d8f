#pragma once
// libggml-bhroute.so in this process: its backend computes the selected experts only.

#include <ggml-backend.h>

#include <string>

#include "bhroute/core/error.h"
#include "ggml/bhroute_ggml.h"

namespace bhroute::llama {

class RouterPlugin {
 public:
  /// Loads each path once a process; models opened from then on have it. Errors (failure): it
  /// cannot be loaded, or is another version.
  static Result<const RouterPlugin*> load(const std::string& path);

  /// Routes every MoE layer that the plugin understands from now on.
  Result<void> set_router(const std::string& policy, const bhroute_ggml_router& router) const;
  /// The engine's own routing again.
  void set_no_router() const { set_policy_(""); }
  bhroute_ggml_statistics statistics() const;
  void reset_statistics() const { reset_statistics_(); }

 private:
  static Result<RouterPlugin> open(const std::string& path);
  bhroute_ggml_set_policy_t set_policy_ = nullptr;
  bhroute_ggml_set_router_t set_router_ = nullptr;
  bhroute_ggml_get_statistics_t get_statistics_ = nullptr;
  bhroute_ggml_reset_statistics_t reset_statistics_ = nullptr;
};

}  // namespace bhroute::llama
