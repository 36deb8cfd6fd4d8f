#pragma once
// ModelRunner on llama.cpp through its public API: cb_eval taps the router and edits its decision.

#include <cstddef>
#include <memory>
#include <string>

#include "bhroute/evaluation/model_runner.h"
#include "llama/gguf_facts.h"
#include "llama/routing_way.h"

namespace bhroute::llama {

struct LlamaOptions {
  std::string model_path;
  std::size_t window = 512;  ///< tokens a window (`-c`)
  std::size_t batch = 2048;  ///< tokens decoded side by side (`-b`): max(1, batch / window) windows
  std::size_t micro_batch = 512;  ///< llama.cpp's n_ubatch
  int threads = 0;                ///< 0 = every core this process may use
  int gpu_layers = 0;             ///< `-ngl`
  bool float_cache =
      false;  ///< keys and values in float32 instead of float16, as other engines have them
  RoutingWay way = RoutingWay::callback;
  std::string plugin_path;  ///< libggml-bhroute.so, "" = there is none
};

/// Opens the model (a GGUF). Errors: not a file, not a GGUF, not a mixture of experts, a window
/// beyond the memory or the context that llama.cpp can make.
Result<std::unique_ptr<evaluation::ModelRunner>> open_model(const LlamaOptions& options);

/// What the model's file says in its header alone. Errors as open_model's.
Result<GgufFacts> read_header(const std::string& model_path);

/// "llama.cpp (llama-cpp-python 0.3.36)" and what ggml says of its devices, for `bhroute info`.
std::string engine_version();
std::string engine_devices();

}  // namespace bhroute::llama
