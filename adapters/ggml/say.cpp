#include "ggml/say.h"

#include <cstdio>
#include <string>

namespace bhroute::ggml {

void say(std::string_view message) {
  const std::string line = "bhroute: " + std::string(message) + "\n";
  std::fwrite(line.data(), 1, line.size(), stderr);
  std::fflush(stderr);
}

}  // namespace bhroute::ggml
