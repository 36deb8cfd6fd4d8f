#include "llama/llama_runner.h"

#include <fmt/format.h>
#include <sched.h>

#include <algorithm>
#include <cstring>

#include "bhroute/core/sha256.h"
#include "llama/engine.h"
#include "llama/gguf_facts.h"
#include "llama/node_budget.h"
#include "llama/router_tap.h"

namespace bhroute::llama {
namespace {

using evaluation::LogitsConsumer;
using evaluation::ModelDescription;
using evaluation::Token;

constexpr std::size_t kMostTokens = std::size_t{1} << 24;  // llama.cpp counts in 32 bits

int usable_cores() {
  cpu_set_t set;
  return sched_getaffinity(0, sizeof set, &set) == 0 ? std::max(1, CPU_COUNT(&set)) : 1;
}

ModelDescription describe(const GgufFacts& facts, const LlamaOptions& options, std::string sha256) {
  ModelDescription d;
  d.path = options.model_path;
  d.sha256 = std::move(sha256);
  d.name = facts.name;
  d.architecture = facts.architecture;
  d.engine = engine_version();
  d.moe_layers = facts.moe_layers;
  d.num_experts = facts.num_experts;
  d.top_k = facts.top_k;
  d.d_model = facts.d_model;
  d.expert_d_ff = facts.expert_d_ff;
  d.context_length = facts.context_length;
  return d;
}

class Batch {
 public:
  Batch(std::size_t tokens, std::size_t sequences)
      : batch_(llama_batch_init(static_cast<int32_t>(tokens), 0, static_cast<int32_t>(sequences))) {
  }
  ~Batch() { llama_batch_free(batch_); }
  Batch(const Batch&) = delete;
  Batch& operator=(const Batch&) = delete;

  void clear() { batch_.n_tokens = 0; }
  void add(Token token, std::size_t position, std::size_t sequence) {
    const int32_t i = batch_.n_tokens++;
    batch_.token[i] = token;
    batch_.pos[i] = static_cast<llama_pos>(position);
    batch_.n_seq_id[i] = 1;
    batch_.seq_id[i][0] = static_cast<llama_seq_id>(sequence);
    batch_.logits[i] = 1;  // the last layer sees only flagged positions
  }
  const llama_batch& get() const { return batch_; }

 private:
  llama_batch batch_;
};

class LlamaRunner final : public evaluation::ModelRunner {
 public:
  LlamaRunner(LlamaOptions options, GgufFacts facts, ModelDescription description)
      : options_(std::move(options)),
        facts_(std::move(facts)),
        description_(std::move(description)),
        tap_(description_),
        batch_(tokens_per_call(), windows_per_batch()) {}

  const ModelDescription& description() const override { return description_; }
  Result<std::vector<Token>> tokenize(std::string_view text) override;
  std::size_t windows_per_batch() const override {
    return std::clamp<std::size_t>(options_.batch / options_.window, 1,
                                   llama_max_parallel_sequences());
  }
  Result<void> set_expert_slots(std::size_t num_slots) override;
  std::size_t expert_slots() const override { return slots_; }
  Result<void> set_policy(const routing::Policy* policy) override;
  void set_observer(evaluation::RouterObserver* observer) override { tap_.set_observer(observer); }
  Result<void> decode(std::span<const std::span<const Token>> windows, std::size_t first_scored,
                      LogitsConsumer* consumer) override;

  Result<void> load(std::size_t num_slots);

 private:
  std::size_t tokens_per_call() const { return windows_per_batch() * options_.window; }
  Result<void> load_model(std::size_t num_slots);
  Result<void> make_context();
  Result<void> learn_nodes();
  Result<void> check_windows(std::span<const std::span<const Token>> windows) const;
  Result<void> decode_piece(std::span<const std::span<const Token>> windows, std::size_t begin,
                            std::size_t end);
  void hand_over(std::size_t num_windows, std::size_t begin, std::size_t end,
                 std::size_t first_scored, LogitsConsumer& consumer);

  LlamaOptions options_;
  GgufFacts facts_;
  ModelDescription description_;
  RouterTap tap_;
  Batch batch_;
  std::size_t slots_ = 0;
  std::size_t own_nodes_ = 0;  // of the graph with the model's own top_k
  Model model_{nullptr, &llama_model_free};
  Context context_{nullptr, &llama_free};
};

Result<void> LlamaRunner::load_model(std::size_t num_slots) {
  context_.reset();
  model_.reset();  // first, so that two models never lie in memory
  llama_model_kv_override overrides[2] = {};
  const std::string key = facts_.architecture + ".expert_used_count";
  std::strncpy(overrides[0].key, key.c_str(), sizeof overrides[0].key - 1);
  overrides[0].tag = LLAMA_KV_OVERRIDE_TYPE_INT;
  overrides[0].val_i64 = static_cast<int64_t>(num_slots);
  llama_model_params params = llama_model_default_params();
  params.n_gpu_layers = options_.gpu_layers;
  // An untouched load for the model's own count: nothing may differ from the stock engine.
  if (num_slots != facts_.top_k) params.kv_overrides = overrides;
  take_engine_message();
  model_.reset(llama_model_load_from_file(options_.model_path.c_str(), params));
  if (!model_)
    return invalid_input(options_.model_path,
                         "llama.cpp cannot load the model: " + take_engine_message());
  return {};
}

Result<void> LlamaRunner::make_context() {
  const std::size_t sequences = windows_per_batch();
  llama_context_params params = llama_context_default_params();
  params.n_seq_max = static_cast<std::uint32_t>(sequences);
  params.n_ctx = static_cast<std::uint32_t>(sequences * options_.window);
  params.n_batch =
      static_cast<std::uint32_t>(std::min(options_.batch, sequences * options_.window));
  params.n_ubatch = static_cast<std::uint32_t>(options_.micro_batch);
  params.n_threads = params.n_threads_batch =
      options_.threads > 0 ? options_.threads : usable_cores();
  params.cb_eval = &RouterTap::on_node;
  params.cb_eval_user_data = &tap_;
  context_.reset(llama_init_from_model(model_.get(), params));
  if (!context_)
    return failure(options_.model_path,
                   "llama.cpp cannot make a context: " + take_engine_message());
  return {};
}

// One token through the graph, every node noted and none touched.
Result<void> LlamaRunner::learn_nodes() {
  tap_.start_learning();
  const Token token = 0;
  const std::span<const Token> window(&token, 1);
  auto decoded = decode_piece({&window, 1}, 0, 1);
  tap_.stop_learning();
  if (!decoded) return decoded;
  for (int layer : facts_.moe_layers) {
    const RouterNodes::Layer* nodes = tap_.nodes().layer(layer);
    if (nodes == nullptr || nodes->logits.empty() || nodes->weights.empty())
      return failure(options_.model_path,
                     fmt::format("no router found in the graph of layer {}", layer), "",
                     "nodes ffn_moe_logits and ffn_moe_weights");
    description_.normalizes_weights = nodes->chain.normalizes || nodes->chain.softmax;
  }
  return {};
}

Result<void> LlamaRunner::load(std::size_t num_slots) {
  if (auto loaded = load_model(num_slots); !loaded) return loaded;
  const std::size_t lacking =
      own_nodes_ == 0 ? 0 : missing_nodes(facts_, own_nodes_, facts_.top_k, num_slots);
  if (auto widened = widen_node_budget(model_.get(), facts_, lacking); !widened) return widened;
  if (auto made = make_context(); !made) return made;
  if (auto learnt = learn_nodes(); !learnt) return learnt;
  if (own_nodes_ == 0) own_nodes_ = tap_.nodes().num_nodes();
  description_.vocab_size =
      static_cast<std::size_t>(llama_vocab_n_tokens(llama_model_get_vocab(model_.get())));
  slots_ = num_slots;
  tap_.set_slots(num_slots);
  return {};
}

Result<void> LlamaRunner::set_expert_slots(std::size_t num_slots) {
  if (num_slots == slots_ && context_) return {};
  if (num_slots < 1 || num_slots > facts_.num_experts)
    return invalid_input("expert slots", "out of range", std::to_string(num_slots),
                         fmt::format("1 to {} (the model's experts)", facts_.num_experts));
  if (auto off = set_policy(nullptr); !off) return off;
  const std::size_t before = slots_;
  auto loaded = load(num_slots);
  if (loaded || before == num_slots) return loaded;
  // The refused configuration must not leave the runner without a model.
  if (auto restored = load(before); !restored) return restored;
  return loaded;
}

Result<void> LlamaRunner::set_policy(const routing::Policy* policy) {
  if (policy != nullptr && policy->spec().largest_k() > slots_)
    return invalid_input("policy", "needs more expert slots than the graph has",
                         std::to_string(policy->spec().largest_k()),
                         fmt::format("at most {}", slots_));
  if (policy != nullptr && policy->facts().num_experts != facts_.num_experts)
    return invalid_input("policy", "made for another number of experts",
                         std::to_string(policy->facts().num_experts),
                         std::to_string(facts_.num_experts));
  for (const auto& [index, layer] : tap_.nodes().layers())
    if (auto error = policy == nullptr ? std::nullopt : cannot_route(index, layer, policy->spec()))
      return tl::make_unexpected(*error);
  tap_.set_policy(policy);
  return {};
}

// As llama-perplexity tokenizes a file: special tokens added where the model wants them, none
// parsed.
Result<std::vector<Token>> LlamaRunner::tokenize(std::string_view text) {
  const llama_vocab* vocab = llama_model_get_vocab(model_.get());
  std::vector<Token> tokens(text.size() + 8);
  const int32_t n = llama_tokenize(vocab, text.data(), static_cast<int32_t>(text.size()),
                                   tokens.data(), static_cast<int32_t>(tokens.size()), true, false);
  if (n < 0)
    return failure("tokenize", "llama.cpp refused the text",
                   std::to_string(text.size()) + " bytes");
  tokens.resize(static_cast<std::size_t>(n));
  return tokens;
}

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

Result<void> LlamaRunner::decode_piece(std::span<const std::span<const Token>> windows,
                                       std::size_t begin, std::size_t end) {
  const llama_vocab* vocab = llama_model_get_vocab(model_.get());
  const bool bos = llama_vocab_get_add_bos(vocab);
  if (begin == 0) llama_memory_clear(llama_get_memory(context_.get()), true);
  batch_.clear();
  for (std::size_t w = 0; w < windows.size(); ++w)
    for (std::size_t p = begin; p < end; ++p)
      batch_.add(bos && p == 0 ? llama_vocab_bos(vocab) : windows[w][p], p, w);
  take_engine_message();
  const int32_t status = llama_decode(context_.get(), batch_.get());
  if (auto error = tap_.take_error()) return tl::make_unexpected(*error);
  if (status != 0)
    return failure("decode", "llama.cpp failed: " + take_engine_message(),
                   fmt::format("status {}", status));
  llama_synchronize(context_.get());
  return {};
}

void LlamaRunner::hand_over(std::size_t num_windows, std::size_t begin, std::size_t end,
                            std::size_t first_scored, LogitsConsumer& consumer) {
  const std::size_t first = std::max(begin, first_scored);
  if (first >= end) return;
  // Every position is flagged, so the rows of a window lie one behind the other.
  for (std::size_t w = 0; w < num_windows; ++w)
    consumer.on_logits(w, first, end - first,
                       llama_get_logits_ith(context_.get(), static_cast<int32_t>(w * (end - begin) +
                                                                                 first - begin)));
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

Result<std::unique_ptr<evaluation::ModelRunner>> open_model(const LlamaOptions& options) {
  start_engine();
  if (options.window == 0 || options.batch == 0 || options.micro_batch == 0)
    return invalid_input("window, batch", "must be positive", "0", ">= 1");
  for (const std::size_t size : {options.window, options.batch, options.micro_batch})
    if (size > kMostTokens)
      return invalid_input("window, batch", "too large", std::to_string(size),
                           fmt::format("at most {}", kMostTokens));
  auto facts = read_gguf_facts(options.model_path);
  if (!facts) return tl::make_unexpected(facts.error());
  auto hash = sha256_file(options.model_path);
  if (!hash) return tl::make_unexpected(hash.error());
  const std::size_t top_k = facts->top_k;
  ModelDescription description = describe(*facts, options, std::move(*hash));
  auto runner = std::make_unique<LlamaRunner>(options, std::move(*facts), std::move(description));
  if (auto loaded = runner->load(top_k); !loaded) return tl::make_unexpected(loaded.error());
  return runner;
}

}  // namespace bhroute::llama
