#pragma once
// The names of the router's nodes in llama.cpp's graph, learnt from one dry pass: which node holds
// the final logits and which is the last of the weights chain varies by architecture, and cb_eval
// cannot look ahead.

#include <ggml.h>

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace bhroute::llama {

/// "ffn_moe_logits-3" -> {"ffn_moe_logits", 3}; a suffix such as " (reshaped)" is allowed.
struct NodeName {
  std::string_view stem;
  int layer = -1;
};
std::optional<NodeName> parse_node_name(std::string_view name);

class RouterNodes {
 public:
  struct Layer {
    std::string logits;       ///< last node named ffn_moe_logits*
    std::string weights;      ///< last node of the chain ffn_moe_weights*, final and unread there
    bool normalizes = false;  ///< the chain holds a sum or a softmax over the selected
    bool softmax_gating = false;  ///< probabilities are a softmax over all experts
    float scale = 1.0f;           ///< the chain's last factor
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
