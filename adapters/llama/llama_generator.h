#pragma once
// TextGenerator on llama.cpp, with its samplers.

#include <cstddef>
#include <memory>
#include <string>

#include "bhroute/evaluation/text_generator.h"
#include "llama/routing_way.h"

namespace bhroute::llama {

struct GeneratorOptions {
  std::string model_path;
  std::size_t context = 2048;  ///< tokens, prompt and continuation together
  int threads = 0;             ///< 0 = every core this process may use
  int gpu_layers = 0;
  RoutingWay way = RoutingWay::callback;
  std::string plugin_path;  ///< libggml-bhroute.so, "" = there is none
};

/// Errors as open_model's.
Result<std::unique_ptr<evaluation::TextGenerator>> open_generator(const GeneratorOptions& options);

}  // namespace bhroute::llama
