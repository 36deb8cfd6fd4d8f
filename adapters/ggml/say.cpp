#include "ggml/say.h"

#include <cstdlib>
#include <string>

namespace bhroute::ggml {

void say(std::string_view message) {
  const std::string line = "bhroute: " + std::string(message) + "\n";
  std::fwrite(line.data(), 1, line.size(), stderr);
  std::fflush(stderr);
}

void say_info(std::string_view message) {
  const char* quiet = std::getenv("BHROUTE_QUIET");
  if (quiet == nullptr || *quiet == '\0') say(message);
}

void flush_unless_held(std::FILE* stream) {
  if (ftrylockfile(stream) != 0) return;
  std::fflush(stream);
  funlockfile(stream);
}

}  // namespace bhroute::ggml
