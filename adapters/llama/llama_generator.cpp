#include "llama/llama_generator.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "llama/loaded_model.h"

namespace bhroute::llama {
namespace {

using evaluation::Generation;
using evaluation::GenerationOptions;
using evaluation::Token;
using Clock = std::chrono::steady_clock;
using Sampler = std::unique_ptr<llama_sampler, decltype(&llama_sampler_free)>;

constexpr std::size_t kBatch = 512;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

Sampler make_sampler(const GenerationOptions& options) {
  if (options.temperature <= 0.0) return {llama_sampler_init_greedy(), &llama_sampler_free};
  Sampler chain(llama_sampler_chain_init(llama_sampler_chain_default_params()),
                &llama_sampler_free);
  llama_sampler_chain_add(chain.get(),
                          llama_sampler_init_temp(static_cast<float>(options.temperature)));
  llama_sampler_chain_add(chain.get(), llama_sampler_init_dist(options.seed));
  return chain;
}

std::string bytes_of(const llama_vocab* vocab, Token token) {
  std::string bytes(64, '\0');
  int32_t n = llama_token_to_piece(vocab, token, bytes.data(), static_cast<int32_t>(bytes.size()),
                                   0, false);
  if (n < 0) {  // the room it needs
    bytes.resize(static_cast<std::size_t>(-n));
    n = llama_token_to_piece(vocab, token, bytes.data(), static_cast<int32_t>(bytes.size()), 0,
                             false);
  }
  bytes.resize(static_cast<std::size_t>(std::max(n, 0)));
  return bytes;
}

class LlamaGenerator final : public evaluation::TextGenerator {
 public:
  LlamaGenerator(std::size_t context, std::unique_ptr<LoadedModel> model)
      : context_(context), model_(std::move(model)), batch_(kBatch, 1) {}

  const evaluation::ModelDescription& description() const override { return model_->description(); }
  Result<void> set_expert_slots(std::size_t num_slots) override {
    return model_->set_expert_slots(num_slots);
  }
  Result<void> set_policy(const routing::Policy* policy) override {
    return model_->set_policy(policy);
  }
  void set_observer(evaluation::RouterObserver* observer) override {
    model_->set_observer(observer);
  }
  Result<Generation> generate(std::string_view prompt, const GenerationOptions& options,
                              const std::function<void(std::string_view)>& on_text) override;

 private:
  Result<void> read_prompt(const std::vector<Token>& prompt);
  Result<void> read_one(Token token, std::size_t position);

  std::size_t context_;
  std::unique_ptr<LoadedModel> model_;
  Batch batch_;
};

Result<void> LlamaGenerator::read_prompt(const std::vector<Token>& prompt) {
  for (std::size_t begin = 0; begin < prompt.size(); begin += kBatch) {
    const std::size_t end = std::min(prompt.size(), begin + kBatch);
    batch_.clear();
    for (std::size_t p = begin; p < end; ++p) batch_.add(prompt[p], p, 0, p + 1 == prompt.size());
    if (auto decoded = model_->decode(batch_); !decoded) return decoded;
  }
  return {};
}

Result<void> LlamaGenerator::read_one(Token token, std::size_t position) {
  batch_.clear();
  batch_.add(token, position, 0, true);
  return model_->decode(batch_);
}

Result<Generation> LlamaGenerator::generate(std::string_view text, const GenerationOptions& options,
                                            const std::function<void(std::string_view)>& on_text) {
  const auto prompt = model_->tokenize(text);
  if (!prompt) return tl::make_unexpected(prompt.error());
  if (prompt->empty()) return invalid_input("prompt", "empty", "", "at least one token");
  Generation made{.num_prompt_tokens = prompt->size()};
  if (prompt->size() + options.max_tokens > context_)
    return invalid_input("prompt", "does not fit the context with what is to be written",
                         fmt::format("{} + {} tokens", prompt->size(), options.max_tokens),
                         fmt::format("at most {}", context_));
  const Sampler sampler = make_sampler(options);
  model_->forget();
  const auto start = Clock::now();
  if (auto read = read_prompt(*prompt); !read) return tl::make_unexpected(read.error());
  made.prompt_seconds = seconds_since(start);
  const auto begin = Clock::now();
  while (made.num_tokens < options.max_tokens) {
    const Token token = llama_sampler_sample(sampler.get(), model_->context(), -1);
    made.ended = llama_vocab_is_eog(model_->vocab(), token);
    if (made.ended) break;
    on_text(bytes_of(model_->vocab(), token));
    if (++made.num_tokens == options.max_tokens) break;
    if (auto read = read_one(token, prompt->size() + made.num_tokens - 1); !read)
      return tl::make_unexpected(read.error());
  }
  made.seconds = seconds_since(begin);
  return made;
}

}  // namespace

Result<std::unique_ptr<evaluation::TextGenerator>> open_generator(const GeneratorOptions& options) {
  auto model = LoadedModel::open({.model_path = options.model_path,
                                  .sequences = 1,
                                  .sequence_length = options.context,
                                  .batch = kBatch,
                                  .micro_batch = kBatch,
                                  .threads = options.threads,
                                  .gpu_layers = options.gpu_layers,
                                  .way = options.way,
                                  .plugin_path = options.plugin_path});
  if (!model) return tl::make_unexpected(model.error());
  return std::make_unique<LlamaGenerator>(options.context, std::move(*model));
}

}  // namespace bhroute::llama
