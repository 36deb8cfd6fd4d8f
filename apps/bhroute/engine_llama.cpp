#include "engine.h"
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

std::string engine_version() { return llama::engine_version(); }
std::string engine_devices() { return llama::engine_devices(); }

}  // namespace bhroute::cli
