#pragma once
// A model that writes text. adapters/llama implements it.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>

#include "bhroute/evaluation/model_runner.h"

namespace bhroute::evaluation {

struct GenerationOptions {
  std::size_t max_tokens = 128;
  double temperature = 0.0;  ///< 0 = always the likeliest token
  std::uint32_t seed = 1;    ///< for temperature > 0
};

struct Generation {
  std::size_t num_prompt_tokens = 0;
  std::size_t num_tokens = 0;    ///< written, an end mark not counted
  double prompt_seconds = 0.0;   ///< for the prompt
  double seconds = 0.0;          ///< for all written tokens but the first, which the prompt gives
  bool ended = false;            ///< by the model's own end mark
};

/// Not thread-safe.
class TextGenerator {
 public:
  virtual ~TextGenerator() = default;
  virtual const ModelDescription& description() const = 0;
  /// As ModelRunner's.
  virtual Result<void> set_expert_slots(std::size_t num_slots) = 0;
  virtual Result<void> set_policy(const routing::Policy* policy) = 0;
  virtual void set_observer(RouterObserver* observer) = 0;
  /// Continues `prompt` from an empty cache. `on_text` is given each token's bytes as it is chosen, perhaps a part of
  /// a character. Errors: an empty prompt, one that does not fit, the engine's.
  virtual Result<Generation> generate(std::string_view prompt, const GenerationOptions& options,
                                      const std::function<void(std::string_view)>& on_text) = 0;
};

}  // namespace bhroute::evaluation
