#include "input_text.h"

#include <iostream>
#include <iterator>
#include <utility>

#include "bhroute/core/file.h"

namespace bhroute::cli {

Result<InputText> read_input(const std::string& path) {
  if (path == "-") return InputText{{std::istreambuf_iterator<char>(std::cin), {}}, "stdin"};
  return read_file(path).map([&](std::string content) {
    return InputText{std::move(content), path};
  });
}

}  // namespace bhroute::cli
