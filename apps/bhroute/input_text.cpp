#include "input_text.h"

#include <utility>

#include "bhroute/core/file.h"

namespace bhroute::cli {

Result<InputText> read_input(const std::string& path, std::size_t max_bytes) {
  const bool is_stdin = path == "-";
  const std::string where = is_stdin ? "stdin" : path;
  auto content = is_stdin ? read_stdin(max_bytes) : read_file(path, max_bytes);
  return std::move(content).map([&](std::string&& bytes) {
    return InputText{std::move(bytes), where};
  });
}

}  // namespace bhroute::cli
