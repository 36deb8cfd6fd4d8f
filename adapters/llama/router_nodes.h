#pragma once
// The names of the router's nodes in llama.cpp's graph, learnt from one dry pass: which node holds
// the final logits and which is the last of the weights chain varies by architecture, and cb_eval
// cannot look ahead.

#include <ggml.h>

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "llama/weights_chain.h"

namespace bhroute::llama {

/// "ffn_moe_logits-3" -> {"ffn_moe_logits", 3}; a suffix such as " (reshaped)" is allowed.
struct NodeName {
  std::string_view stem;
  int layer = -1;
};
std::optional<NodeName> parse_node_name(std::string_view name);

/// How the router makes weights of its logits.
enum class Gating {
  unknown,
  softmax,           ///< over all experts
  softmax_selected,  ///< over the selected ones alone (gpt-oss)
  sigmoid            ///< each expert by itself
};

class RouterNodes {
 public:
  struct Layer {
    std::string logits;   ///< what the policy sees: the last node before softmax or sigmoid
    std::string gather;   ///< the selected experts' gates, before the chain
    std::string weights;  ///< last node of the chain ffn_moe_weights*, final and unread there
    Gating gating = Gating::unknown;
    WeightsChain chain;
    bool ranks_by_logit = true;  ///< false: a selection bias or expert groups also rank
    /// Share of the experts that expert groups leave to choose from: groups used of all groups.
    std::size_t groups_used = 1, num_groups = 1;
  };

  /// Called for every node of the dry pass, in graph order.
  void learn(const ggml_tensor* node);
  const std::map<int, Layer>& layers() const { return layers_; }
  std::size_t num_nodes() const { return num_nodes_; }
  const Layer* layer(int index) const;

 private:
  std::map<int, Layer> layers_;
  std::size_t num_nodes_ = 0;
};

}  // namespace bhroute::llama
