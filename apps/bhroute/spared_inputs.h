#pragma once

#include <CLI/CLI.hpp>

#include "bhroute/core/error.h"

namespace bhroute::cli {

/// Whether what the parsed subcommand will write (--output, --losses, --summary, --routing-log,
/// --stats) spares the files that it was given to read. Errors (invalid_input): one file is both.
Result<void> check_spares_inputs(const CLI::App& subcommand);

}  // namespace bhroute::cli
