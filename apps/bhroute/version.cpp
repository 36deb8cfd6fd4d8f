// bhroute version: the line that --version prints.

#include "bhroute/core/version.h"

#include <fmt/format.h>

#include "command.h"

namespace bhroute::cli {

Action declare_version(CLI::App&, Context& context) {
  return [&context]() -> Result<void> {
    context.console.out(fmt::format("bhroute {}\n", version()));
    return {};
  };
}

}  // namespace bhroute::cli
