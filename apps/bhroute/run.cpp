// bhroute run: continues a prompt under a policy.

#include <fmt/format.h>

#include "bhroute/core/log.h"
#include "command.h"
#include "engine.h"
#include "json_output.h"
#include "model_flags.h"
#include "number_flags.h"
#include "table_source.h"

namespace bhroute::cli {
namespace {

using evaluation::Generation;

struct Flags {
  EngineOptions engine;
  std::string prompt, policy, table;
  evaluation::GenerationOptions generation;
  bool force = false;
};

/// Mean experts per token and MoE layer, of the prompt and of what is written.
class MeanExperts final : public evaluation::RouterObserver {
 public:
  explicit MeanExperts(std::size_t own_k) : own_k_(own_k) {}
  void on_layer(int, LogitsView logits, const routing::RoutingDecision* decision) override {
    Sum& sum = is_writing_ ? written_ : prompt_;
    sum.tokens += logits.num_tokens;
    if (decision == nullptr) sum.experts += own_k_ * logits.num_tokens;
    for (std::size_t t = 0; decision != nullptr && t < decision->num_tokens; ++t)
      sum.experts += static_cast<std::size_t>(decision->num_selected[t]);
  }
  void prompt_is_read() { is_writing_ = true; }
  double of_prompt() const { return prompt_.mean(); }
  /// 0 where nothing was decoded but the prompt.
  double of_written() const { return written_.mean(); }

 private:
  struct Sum {
    std::size_t tokens = 0, experts = 0;
    double mean() const {
      return tokens == 0 ? 0.0 : static_cast<double>(experts) / static_cast<double>(tokens);
    }
  };
  std::size_t own_k_;
  bool is_writing_ = false;
  Sum prompt_, written_;
};

struct Prepared {
  std::unique_ptr<evaluation::TextGenerator> generator;
  std::unique_ptr<routing::Policy> policy;  ///< null: the model's own routing
};

Result<void> check(const Flags& flags) {
  if (flags.engine.model_path.empty())
    return invalid_input("--model", "missing", "", "a GGUF file (-m MODEL.gguf)");
  if (flags.policy.empty() && !flags.table.empty())
    return invalid_input("--table", "is for a policy, and there is none", flags.table,
                         "--policy POLICY beside it");
  if (flags.prompt.empty()) return invalid_input("--prompt", "missing", "", "a text (-p TEXT)");
  if (!(flags.generation.temperature >= 0.0 && flags.generation.temperature <= 100.0))
    return invalid_input("--temp", "out of range", fmt::format("{}", flags.generation.temperature),
                         "0 (the likeliest token) to 100");
  return {};
}

Result<void> route(const Flags& flags, Prepared& prepared) {
  const auto spec = routing::parse_policy(flags.policy);
  if (!spec) return tl::make_unexpected(spec.error());
  const auto& model = prepared.generator->description();
  if (auto ok = routing::validate(*spec, model.num_experts); !ok) return ok;
  const auto table = open_table_of(*spec, flags.table, model.moe_layers);
  if (!table) return tl::make_unexpected(table.error());
  if (auto ok = check_made_for(*table, model, flags.force); !ok) return ok;
  auto policy = routing::make_policy(*spec, model.facts(), table->table);
  if (!policy) return tl::make_unexpected(policy.error());
  prepared.policy = std::move(*policy);
  if (auto ok = prepared.generator->set_expert_slots(prepared.policy->spec().largest_k()); !ok)
    return ok;
  return prepared.generator->set_policy(prepared.policy.get());
}

// A policy is parsed before the model is opened: it costs less to find wrong.
Result<Prepared> prepare(const Flags& flags) {
  if (auto ok = check(flags); !ok) return tl::make_unexpected(ok.error());
  if (!flags.policy.empty())
    if (const auto spec = routing::parse_policy(flags.policy); !spec)
      return tl::make_unexpected(spec.error());
  auto generator = open_generator(flags.engine);
  if (!generator) return tl::make_unexpected(generator.error());
  Prepared prepared{std::move(*generator), nullptr};
  log_info("model " + describe(prepared.generator->description()));
  if (!flags.policy.empty())
    if (auto ok = route(flags, prepared); !ok) return tl::make_unexpected(ok.error());
  return prepared;
}

double rate(std::size_t tokens, double seconds) {
  return seconds > 0.0 ? static_cast<double>(tokens) / seconds : 0.0;
}

/// The first token comes of the prompt; the others are timed.
std::size_t timed_tokens(const Generation& made) {
  return made.num_tokens == 0 ? 0 : made.num_tokens - (made.ended ? 0 : 1);
}

std::string summary(const Generation& made, const MeanExperts& experts, const Prepared& prepared) {
  return fmt::format(
      "prompt: {} tokens, {:.1f} tokens/s, {:.2f} experts a token; written: {} tokens{}, {:.1f} "
      "tokens/s, {:.2f} experts a token (own top_k {}); policy {}, engine {}",
      made.num_prompt_tokens, rate(made.num_prompt_tokens, made.prompt_seconds),
      experts.of_prompt(), made.num_tokens, made.ended ? " to the end mark" : "",
      rate(timed_tokens(made), made.seconds), experts.of_written(),
      prepared.generator->description().top_k,
      prepared.policy ? to_string(prepared.policy->spec()) : "none",
      prepared.generator->description().engine);
}

nlohmann::json to_json(const Generation& made, const MeanExperts& experts,
                       const Prepared& prepared) {
  const auto& model = prepared.generator->description();
  nlohmann::json object = {
      {"model", {{"path", model.path}, {"sha256", model.sha256}, {"top_k", model.top_k}}},
      {"num_prompt_tokens", made.num_prompt_tokens},
      {"num_tokens", made.num_tokens},
      {"ended", made.ended},
      {"prompt_tokens_per_second", rate(made.num_prompt_tokens, made.prompt_seconds)},
      {"tokens_per_second", rate(timed_tokens(made), made.seconds)},
      {"mean_experts_prompt", experts.of_prompt()},
      {"mean_experts", experts.of_written()},
      {"versions", versions_json()},
      {"engine", model.engine}};
  object["policy"] = prepared.policy ? routing::to_json(prepared.policy->spec()) : nullptr;
  return object;
}

Result<void> run(const Flags& flags, const Context& context) {
  auto prepared = prepare(flags);
  if (!prepared) return tl::make_unexpected(prepared.error());
  MeanExperts experts(prepared->generator->description().top_k);
  prepared->generator->set_observer(&experts);
  std::string text;
  const auto made =
      prepared->generator->generate(flags.prompt, flags.generation, [&](std::string_view piece) {
        experts.prompt_is_read();
        text += piece;
        if (context.json) return;
        context.console.out(piece);
        context.console.flush_out();
      });
  if (!context.json && (made || !text.empty())) context.console.out("\n");
  if (!made) return tl::make_unexpected(made.error());
  if (!context.json) {
    context.console.info(summary(*made, experts, *prepared));
    return {};
  }
  nlohmann::json object = to_json(*made, experts, *prepared);
  object["prompt"] = flags.prompt;
  object["text"] = text;
  context.console.out(json_text(object));
  return {};
}

}  // namespace

Action declare_run(CLI::App& app, Context& context) {
  auto flags = std::make_shared<Flags>();
  flags->engine.window = 2048;
  app.add_option("-m,--model", flags->engine.model_path, "The model, a mixture of experts")
      ->type_name("GGUF")
      ->required();
  app.add_option("-p,--prompt", flags->prompt, "The text to continue")
      ->type_name("PROMPT")
      ->required();
  add_count(app, "-n,--tokens", flags->generation.max_tokens, "Tokens to write")
      ->capture_default_str()
      ->type_name("N");
  app.add_option("--temp", flags->generation.temperature, "0 = always the likeliest token")
      ->capture_default_str()
      ->type_name("T");
  add_count(app, "--seed", flags->generation.seed, "For --temp above 0")
      ->capture_default_str()
      ->type_name("N");
  add_count(app, "-c,--context", flags->engine.window, "Room for prompt and continuation, tokens")
      ->capture_default_str()
      ->type_name("N");
  app.add_option("--policy", flags->policy,
                 "As `bhroute evaluate` takes it; none = the model's own routing")
      ->type_name("POLICY");
  app.add_option("--table", flags->table, "The calibration table")->type_name("TABLE");
  app.add_flag("--force", flags->force, "Use a table that was made from another model");
  add_count(app, "-t,--threads", flags->engine.threads, "0 = every core")
      ->capture_default_str()
      ->type_name("N");
  add_whole(app, "--gpu-layers", flags->engine.gpu_layers, "Layers on the GPU; also -ngl")
      ->capture_default_str()
      ->type_name("N");
  add_way_flag(app, flags->engine.way);
  return [flags, &context] { return run(*flags, context); };
}

}  // namespace bhroute::cli
