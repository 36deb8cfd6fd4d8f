#pragma once
// One of the host's contexts: recognises its MoE layers, routes them by the policy, and hands
// everything else whole to the inner backend.

#include <span>
#include <unordered_map>
#include <vector>

#include "ggml/expert_replay.h"
#include "ggml/inner_backend.h"
#include "ggml/moe_block.h"
#include "ggml/policy_source.h"
#include "ggml/routing_weights.h"
#include "ggml/selection.h"
#include "ggml/statistics.h"

namespace bhroute::ggml {

class BlockRouter {
 public:
  BlockRouter(PolicySource& policies, Statistics& statistics)
      : policies_(policies), statistics_(statistics) {}

  InnerBackend& inner() { return inner_; }

  /// The scheduler shows each split once, after planning it and before it is computed, perhaps many
  /// times.
  void learn(ggml_cgraph* split);
  ggml_status compute(ggml_cgraph* graph);

 private:
  using Nodes = std::span<ggml_tensor* const>;
  struct Split {
    std::size_t num_nodes = 0;
    tl::expected<MoeBlock, std::string> block;
  };
  using Clock = std::chrono::steady_clock;

  const Split* known_split(Nodes nodes);
  const MoeBlock* block_with(const ggml_tensor* node) const;
  std::shared_ptr<const routing::Policy> policy_for(const MoeBlock& block);
  ggml_status route(const MoeBlock& block, const routing::Policy& policy, Nodes nodes);
  ggml_status compute_single_nodes(const MoeBlock& block, const routing::Policy& policy,
                                   Nodes nodes);
  void keep_logits(const MoeBlock& block);
  ggml_status choose(const MoeBlock& block, const routing::Policy& policy,
                     std::size_t most_experts);
  void write_slots(const MoeBlock& block);
  void write_weights(const MoeBlock& block) const;
  void count(const MoeBlock& block, std::size_t computed_pairs, Clock::duration whole,
             Clock::duration choosing);

  PolicySource& policies_;
  Statistics& statistics_;
  InnerBackend inner_;
  RoutingWeights weights_;
  ExpertReplay experts_;
  std::unordered_map<const ggml_tensor*, Split> splits_;  // by first node
  bool is_shown_splits_ = false;
  Split unshown_;
  std::vector<float> logits_;
  routing::RoutingDecision decision_;
  Selection selection_;
  bool is_chosen_ = false;  // selection_ holds the layer at hand (single nodes)
};

}  // namespace bhroute::ggml
