#include "manual.h"

#include <algorithm>

#include "command.h"

namespace bhroute::cli {
namespace {

std::string one_line(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

ManualOption describe(const CLI::Option& option) {
  ManualOption described;
  described.is_positional = option.get_positional();
  if (described.is_positional) described.names = {option.get_name(true)};
  for (const std::string& name : option.get_snames()) described.names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) described.names.push_back("--" + name);
  if (option.get_type_size() != 0) described.value = option.get_type_name();
  described.help = one_line(option.get_description());
  described.fallback = option.get_default_str();
  described.group = option.get_group();
  described.is_required = option.get_required();
  described.repeats = option.get_items_expected_max() > 1;
  return described;
}

std::vector<ManualOption> options_of(const CLI::App& app) {
  std::vector<ManualOption> options;
  for (const CLI::Option* option : app.get_options()) options.push_back(describe(*option));
  std::stable_partition(options.begin(), options.end(),
                        [](const ManualOption& option) { return option.is_positional; });
  return options;
}

std::string in_usage(const ManualOption& option) {
  const std::string value = option.value + (option.is_positional && option.repeats ? "..." : "");
  if (!option.is_positional) return " " + option.names.front() + " " + value;
  return (option.value == kProgramValue ? " -- " : " ") + value;
}

}  // namespace

Manual read_manual(const CLI::App& app) {
  Manual manual{one_line(app.get_description()), options_of(app), {}};
  for (const Command& command : commands())
    manual.commands.push_back({command.name, command.summary, command.group, command.examples,
                               options_of(*app.get_subcommand(command.name))});
  return manual;
}

std::string usage(const ManualCommand& command) {
  std::string flags, positionals;
  for (const ManualOption& option : command.options)
    if (option.is_required) (option.is_positional ? positionals : flags) += in_usage(option);
  return "bhroute " + command.name + flags + " [OPTIONS]" + positionals;
}

std::string usage(const CLI::App& subcommand) {
  return usage(ManualCommand{subcommand.get_name(), "", "", "", options_of(subcommand)});
}

}  // namespace bhroute::cli
