#pragma once
// A subcommand is one line in the table of commands.cpp and one file that declares its flags.

#include <CLI/CLI.hpp>
#include <functional>
#include <span>
#include <string>

#include "bhroute/core/error.h"
#include "console.h"

namespace bhroute::cli {

/// What every subcommand is given.
struct Context {
  Console& console;
  std::string command_line;  ///< as typed, quoted for a shell; recorded in what is written
  bool json = false;         ///< one JSON object on stdout instead of words
};

/// What a subcommand does once its flags are parsed.
using Action = std::function<Result<void>()>;

/// What SIGINT and SIGTERM do to a subcommand: end it at once, or ask it to stop, after which the
/// same command begins anew, having written nothing or some text, or continues with what is
/// finished.
enum class OnStop { ends, begins_anew, cuts_text, continues };

struct Command {
  const char* name;
  const char* summary;
  const char* group;     ///< heading under which the help lists it
  const char* examples;  ///< lines of its help
  bool has_json;         ///< whether it has a result that --json prints
  /// Puts the flags on `app` and returns the action, which owns their values.
  Action (*declare)(CLI::App& app, Context& context);
  OnStop on_stop = OnStop::ends;
};

std::span<const Command> commands();

/// One subcommand within another: `words` as a person would type them behind `bhroute`, long flags
/// only. Errors: the subcommand's.
Result<void> run_subcommand(std::vector<std::string> words, Console& console);

Action declare_info(CLI::App& app, Context& context);
Action declare_calibrate(CLI::App& app, Context& context);
Action declare_import_kde(CLI::App& app, Context& context);
Action declare_export_kde(CLI::App& app, Context& context);
Action declare_merge(CLI::App& app, Context& context);
Action declare_explain(CLI::App& app, Context& context);
Action declare_evaluate(CLI::App& app, Context& context);
Action declare_compare(CLI::App& app, Context& context);
Action declare_sweep(CLI::App& app, Context& context);
Action declare_run(CLI::App& app, Context& context);
Action declare_fdr(CLI::App& app, Context& context);
Action declare_predict(CLI::App& app, Context& context);
Action declare_check(CLI::App& app, Context& context);
Action declare_tune(CLI::App& app, Context& context);
Action declare_report(CLI::App& app, Context& context);
Action declare_exec(CLI::App& app, Context& context);
Action declare_completions(CLI::App& app, Context& context);
Action declare_man(CLI::App& app, Context& context);
Action declare_quickstart(CLI::App& app, Context& context);
Action declare_help(CLI::App& app, Context& context);
Action declare_version(CLI::App& app, Context& context);

}  // namespace bhroute::cli
