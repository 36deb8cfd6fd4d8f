#pragma once

namespace bhroute::cli {

/// The whole program: parses, runs one subcommand, says on stderr what went wrong. Nothing escapes
/// it. Returns 0 = fine, 1 = the work failed, 2 = the command line or an input is wrong,
/// 130 and 143 = stopped by SIGINT and SIGTERM.
int run(int argc, char** argv) noexcept;

}  // namespace bhroute::cli
