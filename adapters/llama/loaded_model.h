#pragma once
// A model in llama.cpp with room for a number of expert slots, its router tapped, and a context to
// decode in.

#include <cstddef>
#include <span>
#include <string>

#include "bhroute/evaluation/model_runner.h"
#include "llama/engine.h"
#include "llama/gguf_facts.h"
#include "llama/host_router.h"
#include "llama/router_plugin.h"
#include "llama/router_tap.h"
#include "llama/routing_way.h"

namespace bhroute::llama {

struct LoadOptions {
  std::string model_path;
  std::size_t sequences = 1;          ///< decoded side by side
  std::size_t sequence_length = 512;  ///< tokens each has room for
  std::size_t batch = 2048;           ///< tokens a decode
  std::size_t micro_batch = 512;
  int threads = 0;  ///< 0 = every core this process may use
  int gpu_layers = 0;
  bool float_cache = false;  ///< keys and values in float32, attention without half precision
  RoutingWay way = RoutingWay::callback;
  std::string plugin_path;  ///< libggml-bhroute.so, "" = there is none
};

/// Tokens to decode together.
class Batch {
 public:
  Batch(std::size_t tokens, std::size_t sequences);
  ~Batch() { llama_batch_free(batch_); }
  Batch(const Batch&) = delete;
  Batch& operator=(const Batch&) = delete;

  void clear() { batch_.n_tokens = 0; }
  std::size_t size() const { return static_cast<std::size_t>(batch_.n_tokens); }
  void add(evaluation::Token token, std::size_t position, std::size_t sequence, bool output);
  const llama_batch& get() const { return batch_; }

 private:
  llama_batch batch_;
};

class LoadedModel {
 public:
  /// Reads the header and loads with the model's own number of slots. Not movable: the context
  /// calls back into it.
  static Result<std::unique_ptr<LoadedModel>> open(const LoadOptions& options);

  const evaluation::ModelDescription& description() const { return description_; }
  const llama_vocab* vocab() const { return llama_model_get_vocab(model_.get()); }
  llama_context* context() const { return context_.get(); }

  /// As ModelRunner has them. With the plugin any number of slots costs nothing, but for a plain
  /// override, whose graph is loaded by set_policy.
  Result<void> set_expert_slots(std::size_t num_slots);
  std::size_t expert_slots() const { return slots_; }
  Result<void> set_policy(const routing::Policy* policy);
  void set_plain_override(bool on) { tap_.set_plain_override(on); }
  void set_threads(int threads);
  void set_observer(evaluation::RouterObserver* observer);
  Result<std::vector<evaluation::Token>> tokenize(std::string_view text) const;

  void forget() {
    if (context_) llama_memory_clear(llama_get_memory(context_.get()), true);
  }
  Result<void> decode(const Batch& batch);

 private:
  LoadedModel(LoadOptions options, GgufFacts facts, std::string sha256);
  Result<void> load(std::size_t num_slots);
  Result<std::vector<evaluation::Token>> tokenize_as_it_is(std::string_view text) const;
  Result<void> fit_graph();
  Result<void> load_model(std::size_t num_slots);
  Result<void> make_context();
  Result<void> learn_nodes();
  Result<void> decode_one();
  Result<void> open_plugin();
  Result<void> check_plugin();
  void watch();

  LoadOptions options_;
  GgufFacts facts_;
  evaluation::ModelDescription description_;
  RouterTap tap_;
  HostRouter router_;  ///< holds the policy where the plugin routes
  const RouterPlugin* plugin_ = nullptr;
  evaluation::RouterObserver* observer_ = nullptr;
  std::size_t slots_ = 0;        // asked for
  std::size_t graph_slots_ = 0;  // that the loaded graph has; 0 = none is loaded
  std::size_t own_nodes_ = 0;    // of the graph with the model's own top_k
  Model model_{nullptr, &llama_model_free};
  Context context_{nullptr, &llama_free};
};

}  // namespace bhroute::llama
