#include "manual_pages.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "bhroute/core/version.h"
#include "manual_words.h"

namespace bhroute::cli {
namespace {

std::string replaced(std::string_view text, char what, std::string_view by) {
  std::string out;
  for (const char c : text) c == what ? out += by : out += c;
  return out;
}

/// "-o, --output TABLE"
std::string flags_of(const ManualOption& option) {
  const std::string names = fmt::format("{}", fmt::join(option.names, ", "));
  if (option.is_positional) return option.value + (option.repeats ? "..." : "");
  return option.value.empty() ? names : names + " " + option.value;
}

std::string meaning_of(const ManualOption& option) {
  std::string text = option.help;
  if (option.is_required && !option.is_positional) text += " (required)";
  if (!option.fallback.empty()) text += fmt::format(" (default {})", option.fallback);
  return text;
}

/// The options in the order of their groups' first appearance, as --help has them.
std::vector<std::string> groups_of(const std::vector<ManualOption>& options) {
  std::vector<std::string> groups;
  for (const ManualOption& option : options)
    if (std::find(groups.begin(), groups.end(), option.group) == groups.end())
      groups.push_back(option.group);
  return groups;
}

template <class Each>
void for_each_in_groups(const std::vector<ManualOption>& options, Each each) {
  for (const std::string& group : groups_of(options))
    for (const ManualOption& option : options)
      if (option.group == group) each(option);
}

// A line must not begin with a control character, and a minus is no hyphen.
std::string roff(std::string_view text) {
  std::string escaped = replaced(replaced(text, '\\', "\\e"), '-', "\\-");
  const bool control = escaped.starts_with('.') || escaped.starts_with('\'');
  return control ? escaped.insert(0, "\\&") : escaped;
}

std::string roff_entry(std::string_view name, std::string_view meaning) {
  return fmt::format(".TP\n\\fB{}\\fR\n{}\n", roff(name), roff(meaning));
}

std::string roff_command(const ManualCommand& command) {
  std::string text = fmt::format(".SS \"{}\"\n{}.\n.P\n\\fB{}\\fR\n", roff(command.name),
                                 roff(command.summary), roff(usage(command)));
  for_each_in_groups(command.options, [&](const ManualOption& option) {
    text += roff_entry(flags_of(option), meaning_of(option));
  });
  text += ".P\nExample:\n.P\n.EX\n";
  std::string_view rest = command.examples;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    text += roff(rest.substr(0, end)) + "\n";
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return text + ".EE\n";
}

std::string in_table(std::string_view text) { return replaced(text, '|', "\\|"); }

std::string markdown_rows(std::span<const ManualEntry> entries) {
  std::string text;
  for (const ManualEntry& entry : entries)
    text += fmt::format("| `{}` | {} |\n", entry.name, in_table(entry.meaning));
  return text;
}

std::string markdown_command(const ManualCommand& command) {
  std::string text =
      fmt::format("\n### {}\n\n{}.\n\n```text\n{}\n```\n\n| flag | meaning |\n|---|---|\n",
                  command.name, command.summary, usage(command));
  for_each_in_groups(command.options, [&](const ManualOption& option) {
    text +=
        fmt::format("| `{}` | {} |\n", in_table(flags_of(option)), in_table(meaning_of(option)));
  });
  return text + fmt::format("\n```sh\n{}\n```\n", command.examples);
}

std::vector<std::string> command_groups(const Manual& manual) {
  std::vector<std::string> groups;
  for (const ManualCommand& command : manual.commands)
    if (groups.empty() || groups.back() != command.group) groups.push_back(command.group);
  return groups;
}

}  // namespace

std::string roff_page(const Manual& manual) {
  std::string text = fmt::format(
      ".TH BHROUTE 1 \"\" \"bhroute {}\" \"User Commands\"\n.ad l\n.nh\n.SH NAME\nbhroute \\- "
      "adaptive "
      "selection of "
      "experts in mixture\\-of\\-experts models\n.SH SYNOPSIS\n\\fBbhroute\\fR \\fISUBCOMMAND\\fR "
      "[\\fIFLAGS\\fR]\n.SH DESCRIPTION\n{}\n.SH OPTIONS\n",
      version(), roff(manual.description));
  for (const ManualOption& option : manual.options)
    text += roff_entry(flags_of(option), meaning_of(option));
  text += ".SH SUBCOMMANDS\n";
  for (const ManualCommand& command : manual.commands) text += roff_command(command);
  text += ".SH ENVIRONMENT\n";
  for (const ManualEntry& entry : environment_variables())
    text += roff_entry(entry.name, entry.meaning);
  text += ".SH EXIT STATUS\n";
  for (const ManualEntry& entry : exit_codes()) text += roff_entry(entry.name, entry.meaning);
  return text;
}

std::string markdown_page(const Manual& manual) {
  std::string text =
      "# Commands\n\nMade by `bhroute man --markdown`; a test says when it is stale. The same as a "
      "man "
      "page: `bhroute man | man -l -`.\n";
  for (const std::string& group : command_groups(manual)) {
    text += fmt::format("\n## {}\n", group);
    for (const ManualCommand& command : manual.commands)
      if (command.group == group) text += markdown_command(command);
  }
  text += "\n## Environment\n\n| variable | meaning |\n|---|---|\n";
  text += markdown_rows(environment_variables());
  text += "\n## Exit codes\n\n| code | meaning |\n|---|---|\n";
  return text + markdown_rows(exit_codes());
}

}  // namespace bhroute::cli
