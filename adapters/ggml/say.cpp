#include "ggml/say.h"

#include <string>

namespace bhroute::ggml {

void say(std::string_view message) {
  const std::string line = "bhroute: " + std::string(message) + "\n";
  std::fwrite(line.data(), 1, line.size(), stderr);
  std::fflush(stderr);
}

void flush_unless_held(std::FILE* stream) {
  if (ftrylockfile(stream) != 0) return;
  std::fflush(stream);
  funlockfile(stream);
}

}  // namespace bhroute::ggml
