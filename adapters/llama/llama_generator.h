#pragma once
// TextGenerator on llama.cpp, with its samplers.

#include <cstddef>
#include <memory>
#include <string>

#include "bhroute/evaluation/text_generator.h"

namespace bhroute::llama {

struct GeneratorOptions {
  std::string model_path;
  std::size_t context = 2048;  ///< tokens, prompt and continuation together
  int threads = 0;             ///< 0 = every core this process may use
  int gpu_layers = 0;
};

/// Errors as open_model's.
Result<std::unique_ptr<evaluation::TextGenerator>> open_generator(const GeneratorOptions& options);

}  // namespace bhroute::llama
