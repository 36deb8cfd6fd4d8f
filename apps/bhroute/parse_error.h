#pragma once

#include <CLI/CLI.hpp>

#include "bhroute/core/error.h"

namespace bhroute::cli {

/// CLI11's error in this project's form, with "did you mean" for an unknown word.
Error describe(const CLI::ParseError& error, const CLI::App& app);

}  // namespace bhroute::cli
