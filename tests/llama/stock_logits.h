#pragma once
// The oracle of the engine's tests.

#include <gtest/gtest.h>
#include <llama.h>

#include <cstdio>
#include <string>
#include <vector>

#include "bhroute/evaluation/model_runner.h"
#include "llama/engine.h"

namespace bhroute::test {

/// What a context that nothing of ours touches gives: the stock engine, by its own API, with
/// `slots` experts: two windows side by side, every position.
inline std::vector<float> stock_logits(const std::string& model_path,
                                       const std::string& architecture,
                                       const std::vector<evaluation::Token>& tokens,
                                       std::size_t slots, std::size_t window) {
  llama::start_engine();
  llama_model_kv_override overrides[2] = {};
  std::snprintf(overrides[0].key, sizeof overrides[0].key, "%s.expert_used_count",
                architecture.c_str());
  overrides[0].tag = LLAMA_KV_OVERRIDE_TYPE_INT;
  overrides[0].val_i64 = static_cast<int64_t>(slots);
  llama_model_params model_params = llama_model_default_params();
  model_params.kv_overrides = overrides;
  llama::Model model(llama_model_load_from_file(model_path.c_str(), model_params),
                     &llama_model_free);
  llama_context_params params = llama_context_default_params();
  params.n_ctx = params.n_batch = static_cast<std::uint32_t>(2 * window);
  params.n_ubatch = 48;
  params.n_seq_max = 2;
  params.n_threads = params.n_threads_batch = 1;
  llama::Context context(llama_init_from_model(model.get(), params), &llama_free);
  llama_batch batch = llama_batch_init(static_cast<int32_t>(2 * window), 0, 2);
  for (int i = 0; i < static_cast<int>(2 * window); ++i) {
    batch.token[i] = tokens[static_cast<std::size_t>(i)];
    batch.pos[i] = i % static_cast<int>(window);
    batch.n_seq_id[i] = 1;
    batch.seq_id[i][0] = i / static_cast<int>(window);
    batch.logits[i] = 1;
  }
  batch.n_tokens = static_cast<int32_t>(2 * window);
  EXPECT_EQ(llama_decode(context.get(), batch), 0);
  const float* logits = llama_get_logits(context.get());
  const auto vocab =
      static_cast<std::size_t>(llama_vocab_n_tokens(llama_model_get_vocab(model.get())));
  std::vector<float> copy(logits, logits + 2 * window * vocab);
  llama_batch_free(batch);
  return copy;
}

}  // namespace bhroute::test
