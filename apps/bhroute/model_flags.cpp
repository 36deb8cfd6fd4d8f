#include "model_flags.h"

#include <fmt/format.h>

#include <filesystem>
#include <optional>

#include "bhroute/core/cores.h"
#include "bhroute/core/file.h"
#include "bhroute/core/file_limits.h"
#include "bhroute/core/log.h"
#include "bhroute/core/sha256.h"
#include "engine.h"
#include "number_flags.h"

namespace bhroute::cli {

Result<void> check_model_flags(const ModelFlags& flags) {
  if (flags.model.empty())
    return invalid_input("--model", "missing", "", "a GGUF file (-m MODEL.gguf)");
  if (flags.text.empty()) return invalid_input("--file", "missing", "", "a text file (-f TEXT)");
  if (flags.window < 4)
    return invalid_input("--window", "too short", std::to_string(flags.window),
                         "at least 4 tokens");
  if (flags.batch < 1) return invalid_input("--batch", "no tokens", "0", "at least 1");
  if (flags.micro_batch < 1) return invalid_input("--micro-batch", "no tokens", "0", "at least 1");
  return {};
}

namespace {

/// A text, hashed whole. In memory only where all of it is needed, or where it can be read but once
/// (a pipe).
struct Text {
  std::optional<std::string> content;
  std::string sha256;
};

Result<Text> open_text(const ModelFlags& flags) {
  std::error_code ignored;
  if (flags.num_windows > 0 && std::filesystem::is_regular_file(flags.text, ignored)) {
    if (std::filesystem::file_size(flags.text, ignored) == 0)
      return invalid_input(flags.text, "the text is empty");
    return sha256_file(flags.text).map([](std::string digest) {
      return Text{std::nullopt, std::move(digest)};
    });
  }
  auto content = read_file(flags.text, kMaxTextBytes);
  if (!content) return tl::make_unexpected(content.error());
  if (content->empty()) return invalid_input(flags.text, "the text is empty");
  std::string digest = sha256(*content);
  return Text{std::move(*content), std::move(digest)};
}

Result<evaluation::WindowedText> cut_windows(evaluation::ModelRunner& model, const Text& text,
                                             const ModelFlags& flags) {
  if (!text.content)
    return evaluation::read_windows(model, flags.text, flags.window, flags.num_windows);
  return evaluation::make_windows(model, *text.content, flags.window, flags.num_windows,
                                  flags.text);
}

}  // namespace

void add_model_flags(CLI::App& app, ModelFlags& flags, bool required) {
  const char* model = "Model and text";
  app.add_option("-m,--model", flags.model, "The model, a mixture of experts")
      ->type_name("GGUF")
      ->required(required)
      ->group(model);
  app.add_option("-f,--file", flags.text, "The text")
      ->type_name("TEXT")
      ->required(required)
      ->group(model);
  add_count(app, "-c,--window", flags.window, "Tokens a window")
      ->capture_default_str()
      ->type_name("N")
      ->group(model);
  add_count(app, "--windows", flags.num_windows,
            "Only the first N whole windows; 0 = all of the text")
      ->capture_default_str()
      ->type_name("N")
      ->group(model);
  const char* engine = "Engine (as llama.cpp has them)";
  add_count(app, "-t,--threads", flags.threads, "0 = every core")
      ->capture_default_str()
      ->type_name("N")
      ->group(engine);
  add_count(app, "-b,--batch", flags.batch, "Tokens decoded side by side: batch/window windows")
      ->capture_default_str()
      ->type_name("N")
      ->group(engine);
  add_count(app, "--micro-batch", flags.micro_batch, "Tokens a pass through the graph; also -ub")
      ->capture_default_str()
      ->type_name("N")
      ->group(engine);
  add_way_flag(app, flags.way);
  add_whole(app, "--gpu-layers", flags.gpu_layers, "Layers on the GPU; also -ngl")
      ->capture_default_str()
      ->type_name("N")
      ->group(engine);
}

void mark_needed(CLI::App& app, std::initializer_list<const char*> flags,
                 const std::string& other) {
  for (const char* flag : flags) {
    CLI::Option* option = app.get_option(flag);
    option->description(option->get_description() + " (REQUIRED unless " + other + ")");
  }
}

void add_way_flag(CLI::App& app, std::string& way) {
  app.add_option(
         "--engine", way,
         "How a policy enters llama.cpp: plugin (computes the selected experts only), callback\n"
         "(computes every slot, runs anywhere), auto = the plugin where it can")
      ->capture_default_str()
      ->type_name("WAY")
      ->group("Engine (as llama.cpp has them)");
}

void add_score_flag(CLI::App& app, std::string& score) {
  app.add_option("--score", score,
                 "Positions scored: second_half of each window (as llama-perplexity), or all")
      ->capture_default_str()
      ->type_name("SCORE")
      ->group("Model and text");
}

void add_task_flag(CLI::App& app, std::vector<std::string>& tasks) {
  app.add_option("--task", tasks,
                 "Also the accuracy on a task: lambada:FILE.jsonl (the last word of a text) or\n"
                 "hellaswag:FILE.jsonl (four endings); may be given several times")
      ->type_name("FORM:JSONL")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->group("Model and text");
}

Result<std::vector<evaluation::Task>> read_tasks(const std::vector<std::string>& tasks) {
  std::vector<evaluation::Task> read;
  for (const std::string& text : tasks) {
    const std::size_t colon = text.find(':');
    if (colon == std::string::npos)
      return invalid_input("--task", "names no file", text, "lambada:FILE or hellaswag:FILE");
    const auto form = evaluation::parse_task_form(text.substr(0, colon));
    if (!form) return tl::make_unexpected(form.error());
    auto task = evaluation::read_task(*form, text.substr(colon + 1));
    if (!task) return tl::make_unexpected(task.error());
    read.push_back(std::move(*task));
  }
  return read;
}

Result<Workload> open_workload(const ModelFlags& flags) {
  if (auto ok = check_model_flags(flags); !ok) return tl::make_unexpected(ok.error());
  const auto text = open_text(flags);
  if (!text) return tl::make_unexpected(text.error());
  auto model = open_engine({flags.model, flags.window, flags.batch, flags.micro_batch,
                            flags.threads, flags.gpu_layers, flags.way, flags.float_cache});
  if (!model) return tl::make_unexpected(model.error());
  auto windows = cut_windows(**model, *text, flags);
  if (!windows) return tl::make_unexpected(windows.error());
  log_info("model " + describe((*model)->description()));
  log_info(fmt::format("text {}: {} windows of {} tokens", flags.text, windows->num_windows,
                       windows->window));
  return Workload{std::move(*model), std::move(*windows), text->sha256};
}

std::vector<int> known_layers(const ModelFlags& flags) {
  if (flags.model.empty()) return {};
  return read_model_header(flags.model).value_or(ModelHeader{}).moe_layers;
}

std::size_t num_threads(const ModelFlags& flags) {
  if (flags.threads > 0) return static_cast<std::size_t>(flags.threads);
  return usable_cores();
}

Result<evaluation::EvaluateOptions> evaluate_options(const ModelFlags& flags,
                                                     const std::string& score) {
  return evaluation::parse_score(score).map([&](evaluation::Score parsed) {
    evaluation::EvaluateOptions options;
    options.score = parsed;
    options.num_threads = num_threads(flags);
    options.probe = true;
    return options;
  });
}

std::string describe(const evaluation::ModelDescription& model) {
  return fmt::format("{} ({}, {} MoE layers, top {} of {} experts)",
                     model.name.empty() ? model.path : model.name, model.architecture,
                     model.moe_layers.size(), model.top_k, model.num_experts);
}

}  // namespace bhroute::cli
