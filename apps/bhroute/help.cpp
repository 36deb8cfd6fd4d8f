// bhroute help: what --help prints, by the word that people type first.

#include <algorithm>
#include <memory>

#include "bhroute/core/did_you_mean.h"
#include "command.h"

namespace bhroute::cli {
namespace {

// App::help() of the program would print the help of the subcommand that was chosen: this one's.
Result<std::string> help_of_program(const CLI::App& program) {
  return program.get_formatter()->make_help(&program, program.get_name(),
                                            CLI::AppFormatMode::Normal);
}

Result<std::string> help_of(const std::string& name, const CLI::App& program) {
  std::vector<std::string> names;
  for (const Command& command : commands()) names.emplace_back(command.name);
  if (std::ranges::count(names, name) > 0)
    return program.get_subcommand(name)->help(program.get_name());
  const std::string near = did_you_mean(name, names);
  return invalid_input("help", "unknown subcommand", name,
                       near.empty() ? "what `bhroute --help` lists" : "did you mean " + near + "?");
}

}  // namespace

Action declare_help(CLI::App& app, Context& context) {
  auto name = std::make_shared<std::string>();
  app.add_option("subcommand", *name, "Whose help; without one, the program's")
      ->type_name("SUBCOMMAND");
  return [name, &app, &context]() -> Result<void> {
    const CLI::App& program = *app.get_parent();
    return (name->empty() ? help_of_program(program) : help_of(*name, program))
        .map([&](const std::string& text) { context.console.out(text); });
  };
}

}  // namespace bhroute::cli
