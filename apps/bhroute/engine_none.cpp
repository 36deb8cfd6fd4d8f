#include "engine.h"

namespace bhroute::cli {

Result<std::unique_ptr<evaluation::ModelRunner>> open_engine(const EngineOptions& options) {
  return failure(options.model_path, "this build cannot run a model",
                 "a build with BHROUTE_LLAMA=OFF", "one with BHROUTE_LLAMA=ON");
}

std::string engine_version() { return "none"; }
std::string engine_devices() { return "none"; }

}  // namespace bhroute::cli
