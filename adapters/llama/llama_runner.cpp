#include "llama/llama_runner.h"

#include <fmt/format.h>

#include <algorithm>

#include "llama/engine.h"
#include "llama/gguf_facts.h"
#include "llama/loaded_model.h"

namespace bhroute::llama {
namespace {

using evaluation::LogitsConsumer;
using evaluation::ModelDescription;
using evaluation::Token;

constexpr std::size_t kMostTokens = std::size_t{1} << 24;  // llama.cpp counts in 32 bits

std::size_t windows_in(const LlamaOptions& options) {
  return std::clamp<std::size_t>(options.batch / options.window, 1, llama_max_parallel_sequences());
}

class LlamaRunner final : public evaluation::ModelRunner {
 public:
  LlamaRunner(LlamaOptions options, std::unique_ptr<LoadedModel> model)
      : options_(std::move(options)),
        model_(std::move(model)),
        batch_(windows_in(options_) * options_.window, windows_in(options_)) {}

  const ModelDescription& description() const override { return model_->description(); }
  Result<std::vector<Token>> tokenize(std::string_view text) override {
    return model_->tokenize(text);
  }
  std::size_t windows_per_batch() const override { return windows_in(options_); }
  Result<void> set_expert_slots(std::size_t num_slots) override {
    return model_->set_expert_slots(num_slots);
  }
  std::size_t expert_slots() const override { return model_->expert_slots(); }
  Result<void> set_policy(const routing::Policy* policy) override {
    return model_->set_policy(policy);
  }
  void set_plain_override(bool on) override { model_->set_plain_override(on); }
  void set_threads(int threads) override { model_->set_threads(threads); }
  void set_observer(evaluation::RouterObserver* observer) override {
    model_->set_observer(observer);
  }
  Result<void> decode(std::span<const std::span<const Token>> windows, std::size_t first_scored,
                      LogitsConsumer* consumer) override;

 private:
  Result<void> check_windows(std::span<const std::span<const Token>> windows) const;
  Result<void> decode_piece(std::span<const std::span<const Token>> windows, std::size_t begin,
                            std::size_t end);
  void hand_over(std::size_t num_windows, std::size_t begin, std::size_t end,
                 std::size_t first_scored, LogitsConsumer& consumer);

  LlamaOptions options_;
  std::unique_ptr<LoadedModel> model_;
  Batch batch_;
};

Result<void> LlamaRunner::check_windows(std::span<const std::span<const Token>> windows) const {
  const auto wrong = [&](std::span<const Token> w) {
    return w.empty() || w.size() > options_.window || w.size() != windows.front().size();
  };
  if (windows.empty() || windows.size() > windows_per_batch() ||
      std::any_of(windows.begin(), windows.end(), wrong))
    return invalid_input("decode", "windows do not fit the context",
                         fmt::format("{} windows", windows.size()),
                         fmt::format("1 to {} of equal length up to {} tokens", windows_per_batch(),
                                     options_.window));
  return {};
}

// Every position is flagged for output: the last layer sees only flagged ones.
Result<void> LlamaRunner::decode_piece(std::span<const std::span<const Token>> windows,
                                       std::size_t begin, std::size_t end) {
  const bool bos = llama_vocab_get_add_bos(model_->vocab());
  if (begin == 0) model_->forget();
  batch_.clear();
  for (std::size_t w = 0; w < windows.size(); ++w)
    for (std::size_t p = begin; p < end; ++p)
      batch_.add(bos && p == 0 ? llama_vocab_bos(model_->vocab()) : windows[w][p], p, w, true);
  return model_->decode(batch_);
}

void LlamaRunner::hand_over(std::size_t num_windows, std::size_t begin, std::size_t end,
                            std::size_t first_scored, LogitsConsumer& consumer) {
  const std::size_t first = std::max(begin, first_scored);
  if (first >= end) return;
  // Every position is flagged, so the rows of a window lie one behind the other.
  for (std::size_t w = 0; w < num_windows; ++w)
    consumer.on_logits(
        w, first, end - first,
        llama_get_logits_ith(model_->context(),
                             static_cast<int32_t>(w * (end - begin) + first - begin)));
}

// Windows longer than the batch go through piece by piece, one window at a time.
Result<void> LlamaRunner::decode(std::span<const std::span<const Token>> windows,
                                 std::size_t first_scored, LogitsConsumer* consumer) {
  if (auto fit = check_windows(windows); !fit) return fit;
  const std::size_t length = windows.front().size();
  const std::size_t step = std::min(length, std::max<std::size_t>(1, options_.batch));
  for (std::size_t begin = 0; begin < length; begin += step) {
    const std::size_t end = std::min(length, begin + step);
    if (auto decoded = decode_piece(windows, begin, end); !decoded) return decoded;
    if (consumer != nullptr) hand_over(windows.size(), begin, end, first_scored, *consumer);
  }
  return {};
}

}  // namespace

Result<GgufFacts> read_header(const std::string& model_path) {
  start_engine();
  return read_gguf_facts(model_path);
}

Result<std::unique_ptr<evaluation::ModelRunner>> open_model(const LlamaOptions& options) {
  if (options.window == 0 || options.batch == 0 || options.micro_batch == 0)
    return invalid_input("window, batch", "must be positive", "0", ">= 1");
  for (const std::size_t size : {options.window, options.batch, options.micro_batch})
    if (size > kMostTokens)
      return invalid_input("window, batch", "too large", std::to_string(size),
                           fmt::format("at most {}", kMostTokens));
  auto model = LoadedModel::open({.model_path = options.model_path,
                                  .sequences = windows_in(options),
                                  .sequence_length = options.window,
                                  .batch = options.batch,
                                  .micro_batch = options.micro_batch,
                                  .threads = options.threads,
                                  .gpu_layers = options.gpu_layers,
                                  .float_cache = options.float_cache,
                                  .way = options.way,
                                  .plugin_path = options.plugin_path});
  if (!model) return tl::make_unexpected(model.error());
  return std::make_unique<LlamaRunner>(options, std::move(*model));
}

}  // namespace bhroute::llama
