#include "llama/host_router.h"

#include <algorithm>
#include <utility>

namespace bhroute::llama {

bhroute_ggml_router HostRouter::as_plugin_router() {
  return {this, policy_->spec().largest_k(), &HostRouter::on_route, &HostRouter::on_chosen};
}

std::optional<Error> HostRouter::take_error() { return std::exchange(error_, std::nullopt); }

int HostRouter::on_route(void* self, bhroute_ggml_routing* routing) {
  auto& router = *static_cast<HostRouter*>(self);
  const auto routed = router.route(*routing);
  if (!routed && !router.error_) router.error_ = routed.error();
  return routed ? 0 : 1;
}

void HostRouter::on_chosen(void* self, const bhroute_ggml_selection* selection) {
  static_cast<HostRouter*>(self)->tell(*selection);
}

Result<void> HostRouter::route(bhroute_ggml_routing& routing) {
  logits_ = {routing.logits, routing.num_tokens, routing.num_experts, routing.num_experts};
  const auto routed =
      policy_->route(logits_, routing.layer,
                     {.dense_weights = false, .stats = false, .allow_unroutable = true}, decision_);
  if (!routed) return routed;
  const std::size_t width = std::min(routing.width, decision_.max_k);
  for (std::size_t t = 0; t < routing.num_tokens; ++t) {
    const std::size_t row = t * decision_.max_k;
    std::copy_n(decision_.expert_ids.data() + row, width, routing.expert_ids + t * routing.width);
    std::copy_n(decision_.routing_weights.data() + row, width,
                routing.routing_weights + t * routing.width);
    routing.num_selected[t] = decision_.num_selected[t];
  }
  for (std::size_t token : decision_.unroutable_tokens) routing.num_selected[token] = -1;
  return {};
}

// The engine's order and expert groups may have changed the decision; a token of NaNs took the
// model's own.
void HostRouter::tell(const bhroute_ggml_selection& selection) {
  if (observer_ == nullptr) return;
  auto unroutable = decision_.unroutable_tokens.begin();
  for (std::size_t t = 0; t < selection.num_tokens; ++t) {
    if (unroutable != decision_.unroutable_tokens.end() && *unroutable == t) {
      ++unroutable;
      continue;
    }
    const std::size_t row = t * decision_.max_k;
    const std::size_t first = selection.first[t];
    const std::size_t count = std::min(selection.first[t + 1] - first, decision_.max_k);
    std::fill_n(decision_.expert_ids.data() + row, decision_.max_k, -1);
    std::fill_n(decision_.routing_weights.data() + row, decision_.max_k, 0.0f);
    std::copy_n(selection.experts + first, count, decision_.expert_ids.data() + row);
    std::copy_n(selection.weights + first, count, decision_.routing_weights.data() + row);
    decision_.num_selected[t] = static_cast<std::int32_t>(count);
  }
  observer_->on_layer(selection.layer, logits_, &decision_);
}

}  // namespace bhroute::llama
