#include <unistd.h>

#include <algorithm>
#include <atomic>

#include "engine.h"
#include "llama/engine.h"
#include "llama/llama_generator.h"
#include "llama/llama_runner.h"
#include "plugin_file.h"

namespace bhroute::cli {
namespace {

Result<llama::RoutingWay> parse_way(const std::string& text) {
  if (text == "auto") return llama::RoutingWay::automatic;
  if (text == "plugin") return llama::RoutingWay::plugin;
  if (text == "callback") return llama::RoutingWay::callback;
  return invalid_input("--engine", "unknown", text, "auto, plugin or callback");
}

std::string opened_model;  // for a line in a process that ends

// What llama.cpp asserts of a model is not told to its caller: it ends the process. Files appear
// whole or not at all, so nothing is lost by that; here it ends in a line and an exit code.
void on_assertion(const char* message) {
  static std::atomic_flag told;  // by one of several threads
  while (told.test_and_set()) ::pause();
  std::string line =
      "bhroute: " + opened_model + ": llama.cpp cannot compute this model: " + message;
  std::replace(line.begin(), line.end(), '\n', ' ');
  line += '\n';
  if (::write(STDERR_FILENO, line.data(), line.size()) < 0) ::_exit(1);
  ::_exit(2);
}

void expect_assertions(const std::string& model_path) {
  opened_model = model_path;
  llama::set_assertion_handler(&on_assertion);
}

// "" = there is none: the engine says so.
std::string plugin_path() { return find_plugin_file().value_or(std::filesystem::path()).string(); }

}  // namespace

Result<std::unique_ptr<evaluation::ModelRunner>> open_engine(const EngineOptions& options) {
  const auto way = parse_way(options.way);
  if (!way) return tl::make_unexpected(way.error());
  expect_assertions(options.model_path);
  llama::LlamaOptions llama_options;
  llama_options.way = *way;
  llama_options.plugin_path = plugin_path();
  llama_options.model_path = options.model_path;
  llama_options.window = options.window;
  llama_options.batch = options.batch;
  llama_options.micro_batch = options.micro_batch;
  llama_options.threads = options.threads;
  llama_options.gpu_layers = options.gpu_layers;
  llama_options.float_cache = options.float_cache;
  return llama::open_model(llama_options);
}

Result<std::unique_ptr<evaluation::TextGenerator>> open_generator(const EngineOptions& options) {
  const auto way = parse_way(options.way);
  if (!way) return tl::make_unexpected(way.error());
  expect_assertions(options.model_path);
  return llama::open_generator({.model_path = options.model_path,
                                .context = options.window,
                                .threads = options.threads,
                                .gpu_layers = options.gpu_layers,
                                .way = *way,
                                .plugin_path = plugin_path()});
}

Result<ModelHeader> read_model_header(const std::string& model_path) {
  return llama::read_header(model_path).map([](const llama::GgufFacts& facts) {
    return ModelHeader{facts.moe_layers, facts.num_experts, facts.top_k, facts.context_length};
  });
}

std::string engine_version() { return llama::engine_version(); }
std::string engine_devices() { return llama::engine_devices(); }

}  // namespace bhroute::cli
