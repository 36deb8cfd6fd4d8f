#include "engine.h"

namespace bhroute::cli {
namespace {

tl::unexpected<Error> no_engine(const std::string& model_path) {
  return failure(model_path, "this build cannot run a model", "a build with BHROUTE_LLAMA=OFF",
                 "one with BHROUTE_LLAMA=ON");
}

}  // namespace

Result<std::unique_ptr<evaluation::ModelRunner>> open_engine(const EngineOptions& options) {
  return no_engine(options.model_path);
}

Result<std::unique_ptr<evaluation::TextGenerator>> open_generator(const EngineOptions& options) {
  return no_engine(options.model_path);
}

Result<ModelHeader> read_model_header(const std::string& model_path) {
  return no_engine(model_path);
}

std::string engine_version() { return "none"; }
std::string engine_devices() { return "none"; }

}  // namespace bhroute::cli
