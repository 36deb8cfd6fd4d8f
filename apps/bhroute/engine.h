#pragma once
// The engine that this build can run models with: engine_llama.cpp, or engine_none.cpp for a build
// without one.

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "bhroute/evaluation/model_runner.h"
#include "bhroute/evaluation/text_generator.h"

namespace bhroute::cli {

struct EngineOptions {
  std::string model_path;
  std::size_t window = 512, batch = 2048, micro_batch = 512;
  int threads = 0, gpu_layers = 0;
  std::string way = "auto";  ///< who carries decisions into the engine: auto, plugin or callback
  bool float_cache = false;  ///< keys and values in float32
};

Result<std::unique_ptr<evaluation::ModelRunner>> open_engine(const EngineOptions& options);
/// `window` is the room for prompt and continuation.
Result<std::unique_ptr<evaluation::TextGenerator>> open_generator(const EngineOptions& options);

struct ModelHeader {
  std::vector<int> moe_layers;  ///< indices, rising
  std::size_t num_experts = 0, top_k = 0;
  std::size_t context_length = 0;  ///< 0 = the file does not say
};
/// What the model's file says of its experts, read before any weight is loaded.
Result<ModelHeader> read_model_header(const std::string& model_path);
std::string engine_version();  ///< "none" where there is no engine
std::string engine_devices();

}  // namespace bhroute::cli
