#pragma once
// The cb_eval callback: stops at each layer's logits, at the gathered gates and at the end of the
// weights chain, and nowhere else.

#include <ggml.h>

#include <optional>
#include <vector>

#include "bhroute/evaluation/model_runner.h"
#include "llama/router_nodes.h"
#include "llama/slot_editor.h"
#include "llama/slot_selection.h"

namespace bhroute::llama {

class RouterTap {
 public:
  explicit RouterTap(const evaluation::ModelDescription& model)
      : model_(model), editor_(model.num_experts) {}

  /// Signature of llama_context_params.cb_eval; `tap` is a RouterTap.
  static bool on_node(ggml_tensor* node, bool ask, void* tap);

  /// Between these two every node is only noted.
  void start_learning();
  void stop_learning() { learning_ = false; }
  const RouterNodes& nodes() const { return nodes_; }

  void set_policy(const routing::Policy* policy) { policy_ = policy; }
  void set_plain_override(bool on) { plain_override_ = on; }
  bool plain_override() const { return plain_override_; }
  void set_observer(evaluation::RouterObserver* observer) { observer_ = observer; }
  void set_slots(std::size_t slots) { slots_ = slots; }
  /// The first error since the last call; the callback cannot return it.
  std::optional<Error> take_error();

 private:
  bool edits() const {
    return policy_ != nullptr || (slots_ > model_.top_k && !plain_override_);
  }
  bool wants(const ggml_tensor* node) const;
  void read_logits(const ggml_tensor* node, int layer);
  void read_gates(const ggml_tensor* node);
  void edit_weights(ggml_tensor* node, int layer);
  void decide(int layer);
  void decide_own_top_k();
  void keep_own_where_unroutable();
  bool is_understood(const ggml_tensor* weights, const ggml_tensor* sorted, int layer) const;
  void apply();
  void tell(int layer);
  void fail(Error error);

  const evaluation::ModelDescription& model_;
  RouterNodes nodes_;
  SlotEditor editor_;
  SlotSelection selection_;
  bool learning_ = false;
  std::size_t slots_ = 0;
  bool plain_override_ = false;
  const routing::Policy* policy_ = nullptr;
  evaluation::RouterObserver* observer_ = nullptr;
  std::optional<Error> error_;
  // Of the layer at hand, reused from call to call.
  int layer_ = -1;
  std::size_t num_tokens_ = 0;
  std::vector<float> logits_, gates_;
  routing::RoutingDecision decision_;
  std::vector<std::int32_t> ids_;
  std::vector<float> weights_;
};

}  // namespace bhroute::llama
