#include "llama/llama_generator.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "bhroute/routing/policy.h"
#include "llama/engine.h"
#include "llama/nano.h"

namespace bhroute::llama {
namespace {

constexpr const char* kPrompt = "It was a fine day, and";

std::unique_ptr<evaluation::TextGenerator> open_nano() {
  auto opened = open_generator({.model_path = test::nano_path(), .context = 128, .threads = 1, .plugin_path = ""});
  EXPECT_TRUE(opened) << to_string(opened.error());
  return std::move(*opened);
}

std::string text_of(evaluation::TextGenerator& generator,
                    const evaluation::GenerationOptions& options) {
  std::string text;
  const auto made =
      generator.generate(kPrompt, options, [&](std::string_view piece) { text += piece; });
  EXPECT_TRUE(made) << to_string(made.error());
  EXPECT_LE(made->num_tokens, options.max_tokens);
  return text;
}

/// Greedy decoding by llama.cpp's API alone.
std::string stock_text(std::size_t num_tokens) {
  start_engine();
  Model model(llama_model_load_from_file(test::nano_path().c_str(), llama_model_default_params()),
              &llama_model_free);
  llama_context_params params = llama_context_default_params();
  params.n_ctx = 128;
  params.n_threads = params.n_threads_batch = 1;
  Context context(llama_init_from_model(model.get(), params), &llama_free);
  const llama_vocab* vocab = llama_model_get_vocab(model.get());
  std::vector<llama_token> tokens(64);
  tokens.resize(static_cast<std::size_t>(llama_tokenize(
      vocab, kPrompt, static_cast<int32_t>(std::strlen(kPrompt)), tokens.data(), 64, true, false)));
  std::string text;
  for (std::size_t i = 0; i < num_tokens; ++i) {
    EXPECT_EQ(llama_decode(context.get(),
                           llama_batch_get_one(tokens.data(), static_cast<int32_t>(tokens.size()))),
              0);
    const float* logits = llama_get_logits_ith(context.get(), -1);
    const auto best = std::max_element(logits, logits + llama_vocab_n_tokens(vocab)) - logits;
    char piece[64];
    const auto length =
        llama_token_to_piece(vocab, static_cast<llama_token>(best), piece, sizeof piece, 0, false);
    text.append(piece, static_cast<std::size_t>(length));
    tokens.assign(1, static_cast<llama_token>(best));
  }
  return text;
}

TEST(LlamaGenerator, GreedyIsWhatTheStockEngineWrites) {
  EXPECT_EQ(text_of(*open_nano(), {.max_tokens = 24}), stock_text(24));
}

TEST(LlamaGenerator, APolicyOfTheModelsOwnTopKChangesNothing) {
  const auto generator = open_nano();
  const auto policy =
      routing::make_policy({.rule = routing::Rule::top_k, .k = 8}, generator->description().facts())
          .value();
  const std::string own = text_of(*generator, {.max_tokens = 24});
  ASSERT_TRUE(generator->set_policy(policy.get()));
  EXPECT_EQ(text_of(*generator, {.max_tokens = 24}), own);
  const auto one =
      routing::make_policy({.rule = routing::Rule::top_k, .k = 1}, generator->description().facts())
          .value();
  ASSERT_TRUE(generator->set_policy(one.get()));
  EXPECT_NE(text_of(*generator, {.max_tokens = 24}), own);
}

TEST(LlamaGenerator, SamplesBySeed) {
  const auto generator = open_nano();
  const evaluation::GenerationOptions warm{.max_tokens = 24, .temperature = 1.0, .seed = 7};
  const std::string once = text_of(*generator, warm);
  EXPECT_EQ(text_of(*generator, warm), once);
  EXPECT_NE(text_of(*generator, {.max_tokens = 24, .temperature = 1.0, .seed = 8}), once);
}

TEST(LlamaGenerator, RefusesWhatDoesNotFit) {
  const auto generator = open_nano();
  const auto ignore = [](std::string_view) {};
  EXPECT_FALSE(generator->generate("", {}, ignore));
  const auto refused = generator->generate(kPrompt, {.max_tokens = 200}, ignore);
  ASSERT_FALSE(refused);
  EXPECT_NE(to_string(refused.error()).find("at most 128"), std::string::npos);
}

}  // namespace
}  // namespace bhroute::llama
