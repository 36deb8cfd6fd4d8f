#pragma once
// A model as the evaluation sees it. adapters/llama implements it; tests implement a small fake.

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bhroute/core/error.h"
#include "bhroute/core/logits_view.h"
#include "bhroute/routing/policy.h"
#include "bhroute/routing/routing_decision.h"

namespace bhroute::evaluation {

using Token = std::int32_t;

struct ModelDescription {
  std::string path;             ///< of the model's file
  std::string sha256;           ///< of the model's file
  std::string name;             ///< general.name
  std::string architecture;     ///< e.g. "olmoe"
  std::string engine;           ///< e.g. "llama.cpp (llama-cpp-python 0.3.36)"
  std::vector<int> moe_layers;  ///< indices, from tensor names
  std::size_t num_experts = 0;
  std::size_t top_k = 0;
  bool normalizes_weights = false;
  std::size_t vocab_size = 0;
  std::size_t d_model = 0;
  std::size_t expert_d_ff = 0;
  std::size_t context_length = 0;  ///< trained context

  routing::RouterFacts facts() const { return {num_experts, top_k, normalizes_weights}; }
};

/// Watches routing while a model runs. Calls come from the decoding thread, in graph order.
class RouterObserver {
 public:
  virtual ~RouterObserver() = default;
  /// Router logits of one micro-batch in one layer (perhaps no token at all). `decision` is null
  /// while the model routes by itself. Views are valid during the call only.
  virtual void on_layer(int layer, LogitsView logits, const routing::RoutingDecision* decision) = 0;
};

/// Receives output logits. Calls come in order of windows, then positions.
class LogitsConsumer {
 public:
  virtual ~LogitsConsumer() = default;
  /// `logits` [positions.count, vocab]: window `window` (index within the decode call), positions
  /// first_position, first_position + 1, ...; contiguous rows. Valid during the call only.
  virtual void on_logits(std::size_t window, std::size_t first_position, std::size_t num_positions,
                         const float* logits) = 0;
};

/// Not thread-safe. A window is a run of tokens decoded from an empty cache.
class ModelRunner {
 public:
  virtual ~ModelRunner() = default;
  virtual const ModelDescription& description() const = 0;
  /// Whole text, as the engine's perplexity tool tokenizes a file (special tokens not parsed).
  virtual Result<std::vector<Token>> tokenize(std::string_view text) = 0;
  /// How many windows of `window` tokens one decode call runs side by side.
  virtual std::size_t windows_per_batch() const = 0;
  /// Makes room for `num_slots` experts a token in the graph (reloads the model if that differs
  /// from now). The model's own top_k is the default. Errors: more than num_experts; the engine
  /// cannot (with the reason).
  virtual Result<void> set_expert_slots(std::size_t num_slots) = 0;
  virtual std::size_t expert_slots() const = 0;
  /// Routes by `policy` from the next decode on; nullptr = the model's own top_k (with more slots
  /// than that, the surplus slots get weight 0). The policy must outlive its use. Errors: policy's
  /// largest k > expert_slots().
  virtual Result<void> set_policy(const routing::Policy* policy) = 0;
  /// While on and without a policy, the model routes by itself with every slot, as if its top_k had
  /// been overridden to expert_slots(): nothing is edited. Off at first; holds from the next
  /// set_policy or set_expert_slots on.
  virtual void set_plain_override(bool on) = 0;
  /// Of the engine, from the next decode on; 0 = every core this process may use. The results are
  /// those of any other number.
  virtual void set_threads(int threads) = 0;
  /// nullptr = nobody watches and, with no policy, nothing is tapped at all.
  virtual void set_observer(RouterObserver* observer) = 0;
  /// Decodes up to windows_per_batch() windows of equal length side by side. Every position is
  /// flagged for output (the last layer sees only flagged ones), those from `first_scored` on are
  /// handed to `consumer` (may be null).
  virtual Result<void> decode(std::span<const std::span<const Token>> windows,
                              std::size_t first_scored, LogitsConsumer* consumer) = 0;
};

}  // namespace bhroute::evaluation
