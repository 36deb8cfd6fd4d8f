#include "llama/loaded_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <utility>

#include "bhroute/core/cores.h"
#include "bhroute/core/log.h"
#include "bhroute/core/sha256.h"
#include "bhroute/core/stop.h"
#include "llama/codepoints.h"
#include "llama/llama_runner.h"
#include "llama/node_budget.h"

namespace bhroute::llama {
namespace {

using evaluation::ModelDescription;
using evaluation::Token;

int threads_of(const LoadOptions& options) {
  return options.threads > 0 ? options.threads : static_cast<int>(usable_cores());
}

ModelDescription describe(const GgufFacts& facts, const LoadOptions& options, std::string sha256) {
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

}  // namespace

Batch::Batch(std::size_t tokens, std::size_t sequences)
    : batch_(llama_batch_init(static_cast<int32_t>(tokens), 0, static_cast<int32_t>(sequences))) {}

void Batch::add(Token token, std::size_t position, std::size_t sequence, bool output) {
  const int32_t i = batch_.n_tokens++;
  batch_.token[i] = token;
  batch_.pos[i] = static_cast<llama_pos>(position);
  batch_.n_seq_id[i] = 1;
  batch_.seq_id[i][0] = static_cast<llama_seq_id>(sequence);
  batch_.logits[i] = output;
}

LoadedModel::LoadedModel(LoadOptions options, GgufFacts facts, std::string sha256)
    : options_(std::move(options)),
      facts_(std::move(facts)),
      description_(describe(facts_, options_, std::move(sha256))),
      tap_(description_) {}

namespace {

void warn_of_gpu_layers(int layers) {
  if (layers == 0 || llama_supports_gpu_offload()) return;
  log_warning_once(
      "gpu_layers",
      fmt::format("--gpu-layers: this engine has no GPU, got {}: every layer runs on the CPU",
                  layers));
}

}  // namespace

Result<std::unique_ptr<LoadedModel>> LoadedModel::open(const LoadOptions& options) {
  if (options.threads < 0 || options.threads > GGML_MAX_N_THREADS)
    return invalid_input("threads", "out of range", std::to_string(options.threads),
                         fmt::format("0 (every core) to {}", GGML_MAX_N_THREADS));
  start_engine();
  warn_of_gpu_layers(options.gpu_layers);
  auto facts = read_gguf_facts(options.model_path);
  if (!facts) return tl::make_unexpected(facts.error());
  auto hash = sha256_file(options.model_path);
  if (!hash) return tl::make_unexpected(hash.error());
  const std::size_t top_k = facts->top_k;
  std::unique_ptr<LoadedModel> model(new LoadedModel(options, std::move(*facts), std::move(*hash)));
  auto plugin = model->open_plugin();  // first: what is loaded later has it
  model->slots_ = top_k;
  if (auto loaded = model->fit_graph(); !loaded) return tl::make_unexpected(loaded.error());
  if (plugin && model->plugin_ != nullptr) plugin = model->check_plugin();
  if (auto go_on = check_stop(); !go_on) return tl::make_unexpected(go_on.error());
  if (!plugin && options.way == RoutingWay::plugin) return tl::make_unexpected(plugin.error());
  if (!plugin)
    log_info(fmt::format("every expert slot is computed: {}", to_string(plugin.error())));
  model->description_.engine += model->plugin_ != nullptr ? ", plugin" : ", callback";
  return model;
}

Result<void> LoadedModel::open_plugin() {
  if (options_.way == RoutingWay::callback) return {};
  if (options_.plugin_path.empty()) return failure("plugin", "libggml-bhroute.so was not found");
  auto loaded = RouterPlugin::load(options_.plugin_path);
  if (!loaded) return tl::make_unexpected(loaded.error());
  plugin_ = *loaded;
  return {};
}

// One token by the model's own top_k: the plugin must have routed every layer.
Result<void> LoadedModel::check_plugin() {
  routing::PolicySpec own;
  own.rule = routing::Rule::top_k;
  own.k = description_.top_k;
  auto policy = routing::make_policy(own, description_.facts());
  if (!policy) return tl::make_unexpected(policy.error());
  router_.set_policy(policy->get());
  plugin_->reset_statistics();
  auto decoded = decode_one();
  router_.set_policy(nullptr);
  const std::uint64_t fused = plugin_->statistics().layers_fused;
  if (decoded && fused == facts_.moe_layers.size()) return {};
  plugin_ = nullptr;
  if (!decoded) return decoded;
  return failure("plugin", "does not route every MoE layer of this model", std::to_string(fused),
                 std::to_string(facts_.moe_layers.size()));
}

// With a policy the plugin's router tells, without one the tap.
void LoadedModel::watch() {
  const bool routes = plugin_ != nullptr && router_.policy() != nullptr;
  router_.set_observer(routes ? observer_ : nullptr);
  tap_.set_observer(routes ? nullptr : observer_);
}

void LoadedModel::set_threads(int threads) {
  options_.threads = threads;
  if (context_) llama_set_n_threads(context_.get(), threads_of(options_), threads_of(options_));
}

void LoadedModel::set_observer(evaluation::RouterObserver* observer) {
  observer_ = observer;
  watch();
}

Result<void> LoadedModel::load_model(std::size_t num_slots) {
  graph_slots_ = 0;
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
  params.progress_callback = [](float, void*) { return !stop_requested(); };
  take_engine_message();
  model_.reset(llama_model_load_from_file(options_.model_path.c_str(), params));
  if (auto go_on = check_stop(); !go_on) return go_on;
  if (!model_)
    return invalid_input(options_.model_path,
                         "llama.cpp cannot load the model: " + take_engine_message());
  return {};
}

Result<void> LoadedModel::make_context() {
  llama_context_params params = llama_context_default_params();
  params.n_seq_max = static_cast<std::uint32_t>(options_.sequences);
  params.n_ctx = static_cast<std::uint32_t>(options_.sequences * options_.sequence_length);
  params.n_batch = static_cast<std::uint32_t>(
      std::min(options_.batch, options_.sequences * options_.sequence_length));
  params.n_ubatch = static_cast<std::uint32_t>(options_.micro_batch);
  params.n_threads = params.n_threads_batch = threads_of(options_);
  if (options_.float_cache) {
    params.type_k = params.type_v = GGML_TYPE_F32;
    params.flash_attn_type = LLAMA_FLASH_ATTN_TYPE_DISABLED;  // it rounds the queries
  }
  params.abort_callback = [](void*) { return stop_requested(); };
  params.cb_eval = &RouterTap::on_node;
  params.cb_eval_user_data = &tap_;
  take_engine_message();
  context_.reset(llama_init_from_model(model_.get(), params));
  if (!context_)  // the model's sizes or the window's: nothing that a second try would mend
    return invalid_input(options_.model_path,
                         "llama.cpp cannot make a context: " + take_engine_message());
  return {};
}

Result<void> LoadedModel::decode_one() {
  Batch one(1, 1);
  one.add(0, 0, 0, true);
  forget();
  return decode(one);
}

// One token through the graph, every node noted and none touched.
Result<void> LoadedModel::learn_nodes() {
  tap_.start_learning();
  auto decoded = decode_one();
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

Result<void> LoadedModel::load(std::size_t num_slots) {
  if (auto loaded = load_model(num_slots); !loaded) return loaded;
  const std::size_t lacking =
      own_nodes_ == 0 ? 0 : missing_nodes(facts_, own_nodes_, facts_.top_k, num_slots);
  if (auto widened = widen_node_budget(model_.get(), facts_, lacking); !widened) return widened;
  if (auto made = make_context(); !made) return made;
  if (auto learnt = learn_nodes(); !learnt) return learnt;
  if (own_nodes_ == 0) own_nodes_ = tap_.nodes().num_nodes();
  description_.vocab_size = static_cast<std::size_t>(llama_vocab_n_tokens(vocab()));
  graph_slots_ = num_slots;
  tap_.set_slots(num_slots);
  return {};
}

// As many slots as asked for. The plugin goes beyond the model's own by itself, but a plain
// override is the graph's.
Result<void> LoadedModel::fit_graph() {
  const bool own = plugin_ != nullptr && !tap_.plain_override();
  const std::size_t wanted = own ? facts_.top_k : slots_, before = graph_slots_;
  if (wanted == before) return {};
  auto loaded = load(wanted);
  if (loaded || before == 0) return loaded;
  // The refused configuration must not leave the runner without a model.
  if (auto restored = load(before); !restored) return restored;
  return loaded;
}

Result<void> LoadedModel::set_expert_slots(std::size_t num_slots) {
  if (num_slots == slots_ && graph_slots_ != 0) return {};
  if (num_slots < 1 || num_slots > facts_.num_experts)
    return invalid_input("expert slots", "out of range", std::to_string(num_slots),
                         fmt::format("1 to {} (the model's experts)", facts_.num_experts));
  if (auto off = set_policy(nullptr); !off) return off;
  const std::size_t before = std::exchange(slots_, num_slots);
  auto fitted = fit_graph();
  if (!fitted) slots_ = before;
  return fitted;
}

Result<void> LoadedModel::set_policy(const routing::Policy* policy) {
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
  if (auto fitted = fit_graph(); !fitted) return fitted;
  (plugin_ != nullptr ? router_.set_policy(policy) : tap_.set_policy(policy));
  watch();
  return {};
}

// As llama-perplexity tokenizes a file: special tokens added where the model wants them, none
// parsed. Where llama.cpp throws at a character that Unicode has not, as its tokenizers of byte
// pairs do, it is taken for bytes that are no UTF-8.
Result<std::vector<Token>> LoadedModel::tokenize(std::string_view text) const {
  constexpr char no_utf8 = '\xff';
  try {
    return tokenize_as_it_is(text);
  } catch (const std::invalid_argument&) {
    std::string spared(text);
    for (const std::size_t i : beyond_unicode(text)) spared[i] = no_utf8;
    return tokenize_as_it_is(spared);
  }
}

Result<std::vector<Token>> LoadedModel::tokenize_as_it_is(std::string_view text) const {
  constexpr std::size_t most =
      std::numeric_limits<int32_t>::max() - 8;  // llama.cpp counts in int32
  if (text.size() > most)
    return invalid_input("tokenize", "the text is too long at once",
                         std::to_string(text.size()) + " bytes",
                         "at most " + std::to_string(most) + ": fewer windows");
  std::vector<Token> tokens(text.size() + 8);
  const auto fill = [&] {
    return llama_tokenize(vocab(), text.data(), static_cast<int32_t>(text.size()), tokens.data(),
                          static_cast<int32_t>(tokens.size()), true, false);
  };
  int32_t n = fill();
  if (n < 0 && n != std::numeric_limits<int32_t>::min()) {
    tokens.resize(
        static_cast<std::size_t>(-n));  // bytes that are no UTF-8 may take three tokens each
    n = fill();
  }
  if (n < 0)
    return failure("tokenize", "llama.cpp refused the text",
                   std::to_string(text.size()) + " bytes");
  tokens.resize(static_cast<std::size_t>(n));
  return tokens;
}

Result<void> LoadedModel::decode(const Batch& batch) {
  if (!context_)
    return failure(options_.model_path, "no model is loaded: loading it failed before");
  take_engine_message();
  // Set for this call alone: the plugin is one for all models of the process.
  const bool routes = plugin_ != nullptr && router_.policy() != nullptr;
  if (routes) {
    routing::PolicySpec spec = router_.policy()->spec();
    spec.table.clear();
    if (auto set = plugin_->set_router(to_string(spec), router_.as_plugin_router()); !set)
      return set;
  }
  const int32_t status = llama_decode(context_.get(), batch.get());
  if (routes) plugin_->set_no_router();
  if (auto go_on = check_stop(); !go_on) return go_on;
  if (auto error = tap_.take_error()) return tl::make_unexpected(*error);
  if (auto error = router_.take_error()) return tl::make_unexpected(*error);
  if (status != 0)
    return failure("decode", "llama.cpp failed: " + take_engine_message(),
                   fmt::format("status {}", status));
  llama_synchronize(context_.get());
  return {};
}

}  // namespace bhroute::llama
