#include "application.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <map>
#include <new>
#include <optional>
#include <sstream>

#include "bhroute/core/isa.h"
#include "bhroute/core/version.h"
#include "command.h"
#include "help_formatter.h"
#include "parse_error.h"
#include "shell_words.h"
#include "spared_inputs.h"
#include "stop_signals.h"

namespace bhroute::cli {
namespace {

constexpr const char* kDescription =
    "bhroute: adaptive selection of a mixture-of-experts model's experts by the Benjamini-Hochberg "
    "procedure.\n"
    "Calibrate a model once, then let each token have as many experts as its router logits "
    "warrant.\n";
constexpr const char* kExamples =
    "Example:\n"
    "  bhroute quickstart -m MODEL.gguf -f text.txt\n"
    "  bhroute calibrate -m MODEL.gguf -f text.txt --windows 64 -o table.safetensors\n"
    "  bhroute evaluate -m MODEL.gguf -f other.txt --windows 24 \\\n"
    "      --table table.safetensors --policy bh:alpha=0.05\n\n"
    "`bhroute help SUBCOMMAND` tells a subcommand's flags.";

constexpr int kInputWrong = 2;

int exit_code(const Error& error) {
  return error.kind == ErrorKind::invalid_input ? kInputWrong : 1;
}

// CLI11 knows one-letter short flags only; people type llama.cpp's two- and three-letter ones.
// Behind `--` are another program's words.
void lengthen_flags(std::vector<std::string>& words) {
  for (std::string& word : words) {
    if (word == "--") break;
    if (word == "-ub") word = "--micro-batch";
    if (word == "-ngl") word = "--gpu-layers";
  }
}

std::string command_line(std::span<const std::string> words) {
  return words.empty() ? "bhroute" : "bhroute " + shell_line(words);
}

struct Declared {
  Action action;
  OnStop on_stop;
};
using Actions = std::map<const CLI::App*, Declared>;

Action declare(const Command& command, CLI::App& app, Context& context) {
  app.footer(std::string("Example:\n") + command.examples);
  Action action = command.declare(app, context);
  if (command.has_json)
    app.add_flag("--json", context.json, "The result as one JSON object on stdout");
  app.add_flag("-q,--quiet", context.console.quiet,
               "No progress and no information, only warnings and errors");
  return action;
}

Actions declare_all(CLI::App& app, Context& context) {
  app.require_subcommand(0, 1);
  app.set_version_flag("-V,--version", fmt::format("bhroute {}", version()),
                       "Print the version and exit");
  app.footer(kExamples);
  app.formatter(std::make_shared<HelpFormatter>(context.console.out_width()));
  Actions actions;
  for (const Command& command : commands()) {
    CLI::App* sub = app.add_subcommand(command.name, command.summary);
    sub->group(command.group);
    actions[sub] = {declare(command, *sub, context), command.on_stop};
  }
  return actions;
}

const char* what_is_left(OnStop on_stop) {
  if (on_stop == OnStop::continues) return "what is finished is kept, the same command continues";
  if (on_stop == OnStop::cuts_text) return "the text ends there, the same command begins anew";
  return "nothing was written, the same command begins anew";
}

// One line that says how to go on.
int stopped(OnStop on_stop, const Context& context) {
  const int signal = stop_signal();
  context.console.stopped(
      fmt::format("{}; {}: {}", signal_name(signal), what_is_left(on_stop), context.command_line));
  return 128 + signal;
}

int finished(const Result<void>& done, Console& console) {
  if (done && console.flush_out()) return 0;
  const Error error =
      done ? Error{ErrorKind::failure, "stdout", "cannot write the output", "", ""} : done.error();
  console.error(error);
  return exit_code(error);
}

// --help, --version.
int show(const CLI::App& app, const CLI::ParseError& asked, Console& console) {
  std::ostringstream text;
  app.exit(asked, text, text);
  console.out(text.str());
  return finished({}, console);
}

int perform(const CLI::App& app, const Declared& command, const Context& context) {
  Console& console = context.console;
  std::optional<StopSignals> signals;
  if (command.on_stop != OnStop::ends) signals.emplace();
  const Result<void> done =
      check_spares_inputs(app).and_then(&force_isa_from_environment).and_then(command.action);
  console.status("");
  if (!done && done.error().kind == ErrorKind::stopped) return stopped(command.on_stop, context);
  return finished(done, console);
}

int parse_and_run(int argc, char** argv, Console& console) {
  std::vector<std::string> words(argv + std::min(argc, 1), argv + argc);
  Context context{console, command_line(words), false};
  CLI::App app{kDescription, "bhroute"};
  const Actions actions = declare_all(app, context);
  lengthen_flags(words);
  std::reverse(words.begin(), words.end());  // as CLI11 wants them
  try {
    app.parse(words);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return show(app, error, console);
    console.error(describe(error, app));
    return kInputWrong;
  }
  const auto chosen = app.get_subcommands();
  if (!chosen.empty()) return perform(*chosen.front(), actions.at(chosen.front()), context);
  console.out(app.help());
  return finished({}, console);
}

}  // namespace

Result<void> run_subcommand(std::vector<std::string> words, Console& console) {
  const auto command = std::ranges::find(commands(), words.front(), &Command::name);
  if (command == commands().end())
    return failure("internal error", "no such subcommand", words.front());
  Context context{console, command_line(words), false};
  CLI::App app{command->summary, command->name};
  const Action action = declare(*command, app, context);
  std::reverse(words.begin(), words.end());
  words.pop_back();
  try {
    app.parse(words);
  } catch (const CLI::ParseError& error) {
    return invalid_input(command->name, error.what());
  }
  return action();
}

int run(int argc, char** argv) noexcept {
  Console console;
  install_log_sink(console);
  int code = 1;
  try {
    code = parse_and_run(argc, argv, console);
  } catch (const std::bad_alloc&) {
    console.error({ErrorKind::failure, "memory", "not enough of it for this work", "", ""});
  } catch (const std::exception& error) {
    console.error({ErrorKind::failure, "internal error", error.what(), "", ""});
  } catch (...) {
    console.error({ErrorKind::failure, "internal error", "unknown exception", "", ""});
  }
  set_log_sink({});
  return code;
}

}  // namespace bhroute::cli
