#pragma once
// The embedded model and a bit of text, opened small: windows of 64 tokens, two side by side.

#include <gtest/gtest.h>

#include <fstream>
#include <span>
#include <sstream>
#include <string>
#include <vector>

#include "llama/llama_runner.h"

namespace bhroute::test {

inline std::string nano_path() {
  return BHROUTE_SOURCE_DIR "/models/olmoe-nano/olmoe-nano-q8_0.gguf";
}

inline std::string some_text(std::size_t bytes = 4000) {
  std::ifstream file(BHROUTE_SOURCE_DIR "/data/persuasion.txt", std::ios::binary);
  std::string text(bytes, '\0');
  file.seekg(2000);
  file.read(text.data(), static_cast<std::streamsize>(bytes));
  return text;
}

inline llama::LlamaOptions small_options() {
  llama::LlamaOptions options;
  options.model_path = nano_path();
  options.window = 64;
  options.batch = 128;
  options.micro_batch = 48;  // several micro-batches a decode, and none of them a window
  options.threads = 1;       // tests run side by side
  return options;
}

/// Keeps every output row it is given.
class KeepLogits final : public evaluation::LogitsConsumer {
 public:
  explicit KeepLogits(std::size_t vocab) : vocab_(vocab) {}
  void on_logits(std::size_t, std::size_t, std::size_t num_positions,
                 const float* logits) override {
    values.insert(values.end(), logits, logits + num_positions * vocab_);
  }
  std::vector<float> values;

 private:
  std::size_t vocab_;
};

/// Every logit of the first two windows, decoded side by side.
inline std::vector<float> decode_two(evaluation::ModelRunner& model,
                                     std::span<const evaluation::Token> tokens,
                                     std::size_t window) {
  const std::span<const evaluation::Token> windows[] = {tokens.first(window),
                                                        tokens.subspan(window, window)};
  KeepLogits keep(model.description().vocab_size);
  const auto decoded = model.decode(windows, 0, &keep);
  EXPECT_TRUE(decoded) << to_string(decoded.error());
  return keep.values;
}

}  // namespace bhroute::test
