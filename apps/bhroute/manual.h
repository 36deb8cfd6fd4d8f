#pragma once
// What the command line's flags say of themselves, read once from CLI11: help, completions, man
// page and docs/commands.md cannot differ.

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace bhroute::cli {

inline constexpr const char* kProgramValue =
    "PROGRAM";  ///< another program and its flags, behind --

struct ManualOption {
  std::vector<std::string> names;  ///< "-m", "--model"; of a positional its one name
  std::string value;               ///< "GGUF"; "" = takes none
  std::string help;                ///< one line
  std::string fallback;            ///< the default, "" = none
  std::string group;
  bool is_positional = false, is_required = false, repeats = false;
};

struct ManualCommand {
  std::string name, summary, group, examples;
  std::vector<ManualOption> options;  ///< positionals first
};

struct Manual {
  std::string description;
  std::vector<ManualOption> options;  ///< of the program itself
  std::vector<ManualCommand> commands;
};

/// `app`: the program with all its subcommands declared.
Manual read_manual(const CLI::App& app);

/// "bhroute merge -o TABLE [OPTIONS] TABLE...": what must be given, in words a person types.
std::string usage(const ManualCommand& command);
std::string usage(const CLI::App& subcommand);

}  // namespace bhroute::cli
