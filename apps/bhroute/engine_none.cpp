#include "engine.h"

namespace bhroute::cli {

namespace {

Result<void> no_engine(const EngineOptions& options) {
  return failure(options.model_path, "this build cannot run a model",
                 "a build with BHROUTE_LLAMA=OFF", "one with BHROUTE_LLAMA=ON");
}

}  // namespace

Result<std::unique_ptr<evaluation::ModelRunner>> open_engine(const EngineOptions& options) {
  return tl::make_unexpected(no_engine(options).error());
}

Result<std::unique_ptr<evaluation::TextGenerator>> open_generator(const EngineOptions& options) {
  return tl::make_unexpected(no_engine(options).error());
}

std::string engine_version() { return "none"; }
std::string engine_devices() { return "none"; }

}  // namespace bhroute::cli
