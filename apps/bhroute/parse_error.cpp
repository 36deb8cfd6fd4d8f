#include "parse_error.h"

#include <algorithm>

#include "bhroute/core/did_you_mean.h"

namespace bhroute::cli {
namespace {

const CLI::App& selected(const CLI::App& app) {
  const auto chosen = app.get_subcommands();
  return chosen.empty() ? app : *chosen.front();
}

bool is_root(const CLI::App& app) { return app.get_parent() == nullptr; }

std::string place(const CLI::App& app) { return is_root(app) ? "command line" : app.get_name(); }

std::string help_of(const CLI::App& app) {
  return "`bhroute " + (is_root(app) ? "" : app.get_name() + " ") + "--help`";
}

std::vector<std::string> subcommand_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; }))
    names.push_back(command->get_name());
  return names;
}

std::vector<std::string> flag_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options())
    for (const std::string& name : option->get_lnames())
      names.push_back(std::string("--").append(name));
  return names;
}

Error unknown(const std::string& word, const CLI::App& app) {
  const bool flag = word.size() > 1 && word.front() == '-';
  const bool subcommand = !flag && is_root(app);
  const std::string near = did_you_mean(word.substr(0, word.find('=')),
                                        subcommand ? subcommand_names(app) : flag_names(app));
  Error error{ErrorKind::invalid_input, place(app), "", word, ""};
  error.what = flag ? "unknown flag" : subcommand ? "unknown subcommand" : "unexpected argument";
  if (!near.empty()) error.want = "did you mean " + near + "?";
  if (near.empty()) error.want = "what " + help_of(app) + " lists";
  return error;
}

// A word in front of the subcommand that was chosen: not its, so of the program, which has not got
// it.
Error unknown_in_front(const std::string& word, const CLI::App& program, const CLI::App& chosen) {
  const std::string name = word.substr(0, word.find('='));
  if (name.starts_with('-') && chosen.get_option_no_throw(name) != nullptr)
    return {ErrorKind::invalid_input, place(program),
            "a flag of " + chosen.get_name() + " in front of it", word,
            "bhroute " + chosen.get_name() + " " + word};
  return unknown(word, program);
}

}  // namespace

Error describe(const CLI::ParseError& error, const CLI::App& app) {
  const CLI::App& command = selected(app);
  const std::vector<std::string> in_front = app.remaining();
  if (!is_root(command) && !in_front.empty())
    return unknown_in_front(in_front.front(), app, command);
  // An unknown word is the better explanation of something missing (`--polcy x`: policy is
  // missing).
  const std::vector<std::string> rest = command.remaining();
  const auto flag = std::find_if(rest.begin(), rest.end(), [](const std::string& word) {
    return word.size() > 1 && word.front() == '-';
  });
  const bool at_top = is_root(command);
  if (!rest.empty()) return unknown(at_top || flag == rest.end() ? rest.front() : *flag, command);
  return {ErrorKind::invalid_input, place(command), error.what(), "", ""};
}

}  // namespace bhroute::cli
