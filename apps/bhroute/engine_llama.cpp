#include "engine.h"
#include "llama/llama_generator.h"
#include "llama/llama_runner.h"

namespace bhroute::cli {

Result<std::unique_ptr<evaluation::ModelRunner>> open_engine(const EngineOptions& options) {
  llama::LlamaOptions llama_options;
  llama_options.model_path = options.model_path;
  llama_options.window = options.window;
  llama_options.batch = options.batch;
  llama_options.micro_batch = options.micro_batch;
  llama_options.threads = options.threads;
  llama_options.gpu_layers = options.gpu_layers;
  return llama::open_model(llama_options);
}

Result<std::unique_ptr<evaluation::TextGenerator>> open_generator(const EngineOptions& options) {
  return llama::open_generator({.model_path = options.model_path,
                                .context = options.window,
                                .threads = options.threads,
                                .gpu_layers = options.gpu_layers});
}

std::string engine_version() { return llama::engine_version(); }
std::string engine_devices() { return llama::engine_devices(); }

}  // namespace bhroute::cli
