#pragma once
// A policy of this process as the plugin calls it: decides, then learns what was chosen and tells
// the observer.

#include <optional>

#include "bhroute/evaluation/model_runner.h"
#include "ggml/bhroute_ggml.h"

namespace bhroute::llama {

class HostRouter {
 public:
  void set_policy(const routing::Policy* policy) { policy_ = policy; }
  void set_observer(evaluation::RouterObserver* observer) { observer_ = observer; }
  const routing::Policy* policy() const { return policy_; }
  /// For the plugin, while this lives and the policy stays.
  bhroute_ggml_router as_plugin_router();
  /// The first error since the last call.
  std::optional<Error> take_error();

 private:
  static int on_route(void* self, bhroute_ggml_routing* routing);
  static void on_chosen(void* self, const bhroute_ggml_selection* selection);
  Result<void> route(bhroute_ggml_routing& routing);
  void tell(const bhroute_ggml_selection& selection);

  const routing::Policy* policy_ = nullptr;
  evaluation::RouterObserver* observer_ = nullptr;
  std::optional<Error> error_;
  LogitsView logits_;
  routing::RoutingDecision decision_;
};

}  // namespace bhroute::llama
