#pragma once
// A host in the test's own process: stock llama.cpp by its public API, with and without the plugin
// loaded.

#include <ggml-backend.h>
#include <gtest/gtest.h>
#include <llama.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

#include "ggml/bhroute_ggml.h"

namespace bhroute::test {

using Logits = std::vector<float>;

struct HostOptions {
  std::string model = BHROUTE_SOURCE_DIR "/models/olmoe-nano/olmoe-nano-q8_0.gguf";
  std::string architecture = "olmoe";
  int expert_used_count = 0;  ///< 0 = as the model has it
  bool flash_attention = false;
  bool use_repacked = true;
  int threads = 1;  ///< two spin for each other where tests run side by side
  int num_sequences = 2;
  int micro_batch = 48;
  bool warm_up = false;
  ggml_backend_sched_eval_callback cb_eval = nullptr;
  void* cb_eval_data = nullptr;
};

/// llama.cpp's log function is a plain global: set by one thread, before there are others.
inline void start_engine_once() {
  static std::once_flag once;
  std::call_once(once, [] {
    llama_log_set([](ggml_log_level, const char*, void*) {}, nullptr);
    llama_backend_init();
  });
}

/// A model and a context. What is loaded when it is made is what it uses.
class HostModel {
 public:
  explicit HostModel(const HostOptions& options) : options_(options) {
    start_engine_once();
    llama_model_kv_override overrides[2] = {};
    std::snprintf(overrides[0].key, sizeof overrides[0].key, "%s.expert_used_count",
                  options.architecture.c_str());
    overrides[0].tag = LLAMA_KV_OVERRIDE_TYPE_INT;
    overrides[0].val_i64 = options.expert_used_count;
    llama_model_params model_params = llama_model_default_params();
    model_params.use_extra_bufts = options.use_repacked;
    if (options.expert_used_count > 0) model_params.kv_overrides = overrides;
    model_.reset(llama_model_load_from_file(options.model.c_str(), model_params));
    if (model_ == nullptr) throw std::runtime_error("no model " + options.model);
    llama_context_params params = llama_context_default_params();
    params.n_ctx = 512;
    params.n_batch = 512;
    params.n_ubatch = static_cast<uint32_t>(options.micro_batch);
    params.n_seq_max = static_cast<uint32_t>(options.num_sequences);
    params.n_threads = params.n_threads_batch = options.threads;
    params.flash_attn_type =
        options.flash_attention ? LLAMA_FLASH_ATTN_TYPE_ENABLED : LLAMA_FLASH_ATTN_TYPE_DISABLED;
    params.cb_eval = options.cb_eval;
    params.cb_eval_user_data = options.cb_eval_data;
    context_.reset(llama_init_from_model(model_.get(), params));
    if (context_ == nullptr) throw std::runtime_error("no context");
    vocab_size_ =
        static_cast<std::size_t>(llama_vocab_n_tokens(llama_model_get_vocab(model_.get())));
    if (options.warm_up) warm_up();
  }

  /// A prompt of `length` tokens for each sequence in one batch, then `steps` single tokens: every
  /// logit.
  Logits run(int length = 40, int steps = 3) {
    llama_memory_clear(llama_get_memory(context_.get()), true);
    Logits all;
    std::vector<Entry> prompt;
    for (int s = 0; s < options_.num_sequences; ++s)
      for (int p = 0; p < length; ++p) prompt.push_back({token_at(s, p), p, s, true});
    decode(prompt, all);
    for (int step = 0; step < steps; ++step) {
      std::vector<Entry> next;
      for (int s = 0; s < options_.num_sequences; ++s)
        next.push_back({token_at(s, length + step), length + step, s, true});
      decode(next, all);
    }
    return all;
  }

  /// A prompt of which only the last token is flagged for output, in several micro-batches: the
  /// last layer sees none in all but one.
  Logits run_last_only(int length = 100) {
    llama_memory_clear(llama_get_memory(context_.get()), true);
    Logits all;
    std::vector<Entry> prompt;
    for (int p = 0; p < length; ++p) prompt.push_back({token_at(0, p), p, 0, p == length - 1});
    decode(prompt, all);
    return all;
  }

  llama_context* context() { return context_.get(); }

 private:
  struct Entry {
    llama_token token;
    int position, sequence;
    bool output;
  };

  llama_token token_at(int sequence, int position) const {
    return static_cast<llama_token>((7919 * (position + 1) + 104729 * sequence) %
                                    static_cast<int>(vocab_size_));
  }

  void warm_up() {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"  // programs still warm up with it
    llama_set_warmup(context_.get(), true);
    Logits ignored;
    decode({{0, 0, 0, true}}, ignored);
    llama_set_warmup(context_.get(), false);
#pragma GCC diagnostic pop
  }

  void decode(const std::vector<Entry>& entries, Logits& all) {
    llama_batch batch = llama_batch_init(static_cast<int32_t>(entries.size()), 0, 1);
    int num_outputs = 0;
    for (const Entry& entry : entries) {
      const int i = batch.n_tokens++;
      batch.token[i] = entry.token;
      batch.pos[i] = entry.position;
      batch.n_seq_id[i] = 1;
      batch.seq_id[i][0] = entry.sequence;
      batch.logits[i] = entry.output ? 1 : 0;
      num_outputs += entry.output ? 1 : 0;
    }
    const int status = llama_decode(context_.get(), batch);
    llama_batch_free(batch);
    if (status != 0) throw std::runtime_error("llama_decode failed");
    const float* logits = llama_get_logits(context_.get());
    all.insert(all.end(), logits, logits + static_cast<std::size_t>(num_outputs) * vocab_size_);
  }

  struct Free {
    void operator()(llama_model* model) const { llama_model_free(model); }
    void operator()(llama_context* context) const { llama_free(context); }
  };
  HostOptions options_;
  std::unique_ptr<llama_model, Free> model_;
  std::unique_ptr<llama_context, Free> context_;
  std::size_t vocab_size_ = 0;
};

/// The plugin, loaded into this process while this lives.
class LoadedPlugin {
 public:
  LoadedPlugin() : registry_(ggml_backend_load(BHROUTE_PLUGIN)) {
    if (registry_ == nullptr) throw std::runtime_error("the plugin was not loaded");
    set_policy("");
  }
  ~LoadedPlugin() { ggml_backend_unload(registry_); }

  void set_policy(const std::string& policy) {
    const auto set = function<bhroute_ggml_set_policy_t>(BHROUTE_GGML_SET_POLICY);
    const char* refusal = set(policy.c_str());
    if (refusal != nullptr) throw std::runtime_error(refusal);
    function<bhroute_ggml_reset_statistics_t>(BHROUTE_GGML_RESET_STATISTICS)();
  }
  bhroute_ggml_statistics statistics() {
    bhroute_ggml_statistics counted{};
    function<bhroute_ggml_get_statistics_t>(BHROUTE_GGML_GET_STATISTICS)(&counted);
    return counted;
  }
  ggml_backend_reg_t registry() { return registry_; }

 private:
  template <class Function>
  Function function(const char* name) {
    return reinterpret_cast<Function>(ggml_backend_reg_get_proc_address(registry_, name));
  }
  ggml_backend_reg_t registry_;
};

inline std::size_t num_different(const Logits& a, const Logits& b) {
  if (a.size() != b.size()) return std::max(a.size(), b.size());
  std::size_t count = 0;
  for (std::size_t i = 0; i < a.size(); ++i) count += a[i] != b[i] ? 1 : 0;
  return count;
}

/// The largest difference, relative to the largest logit.
inline double largest_difference(const Logits& a, const Logits& b) {
  if (a.size() != b.size() || a.empty()) return 1e9;
  double largest = 0.0, difference = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    largest = std::max(largest, std::abs(static_cast<double>(b[i])));
    difference = std::max(difference, std::abs(static_cast<double>(a[i]) - b[i]));
  }
  return difference / largest;
}

}  // namespace bhroute::test
