#include "parse_error.h"

#include <algorithm>
#include <optional>

#include "bhroute/core/did_you_mean.h"

namespace bhroute::cli {
namespace {

const CLI::App& selected(const CLI::App& app) {
  const auto chosen = app.get_subcommands();
  return chosen.empty() ? app : *chosen.front();
}

constexpr std::string_view kRunsAProgram = "exec";  // what stands behind -- is not its own

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
  if (word == "--" && app.get_name() == kRunsAProgram)
    return {ErrorKind::invalid_input, place(app), "no program behind --", "",
            "bhroute exec --policy POLICY -- PROGRAM ..."};
  const bool flag = word.size() > 1 && word.front() == '-';
  const bool subcommand = !flag && is_root(app);
  const std::string near = did_you_mean(word.substr(0, word.find('=')),
                                        subcommand ? subcommand_names(app) : flag_names(app));
  Error error{ErrorKind::invalid_input, place(app), "", word, ""};
  error.what = flag ? "unknown flag" : subcommand ? "unknown subcommand" : "unexpected argument";
  if (!near.empty()) error.want = "did you mean " + near + "?";
  if (near.empty()) error.want = "what " + help_of(app) + " lists";
  if (near.empty() && app.get_name() == kRunsAProgram)
    error.want = "a flag of exec; the program's own stand behind --";
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

struct Parts {
  std::string flag, rest;
};

// CLI11 tells its errors as sentences alone: "BEFORE flag BETWEEN rest AFTER".
std::optional<Parts> parts_of(std::string_view sentence, std::string_view before,
                              std::string_view between, std::string_view after) {
  const std::size_t middle = sentence.find(between);
  if (!sentence.starts_with(before) || !sentence.ends_with(after) || middle == sentence.npos)
    return std::nullopt;
  const std::size_t rest = middle + between.size();
  return Parts{std::string(sentence.substr(before.size(), middle - before.size())),
               std::string(sentence.substr(rest, sentence.size() - after.size() - rest))};
}

// Of whole numbers number_flags.h tells by itself.
Error unreadable(const Parts& parts, const CLI::App& command) {
  const CLI::Option* option = command.get_option_no_throw(parts.flag);
  if (option == nullptr || option->get_type_name().empty())
    return {ErrorKind::invalid_input, place(command), parts.flag + ": takes no value", parts.rest,
            ""};
  return {ErrorKind::invalid_input, place(command), parts.flag + ": cannot be read", parts.rest,
          "a number"};
}

// "-m GGUF" of --model, "TABLE" of a positional.
std::string as_typed(const std::string& name, const CLI::App& command) {
  const CLI::Option* option = command.get_option_no_throw(name);
  if (option == nullptr) return "";
  if (option->get_positional()) return option->get_type_name();
  const std::string flag = option->get_snames().empty() ? name : "-" + option->get_snames().front();
  return flag + " " + option->get_type_name();
}

Error reworded(const std::string& sentence, const CLI::App& command) {
  const auto error = [&](std::string what, std::string got, std::string want) {
    return Error{ErrorKind::invalid_input, place(command), std::move(what), std::move(got),
                 std::move(want)};
  };
  if (const auto parts = parts_of(sentence, "Could not convert: ", " = ", ""))
    return unreadable(*parts, command);
  if (const auto parts = parts_of(sentence, "", " is required", ""))
    return error(parts->flag + ": missing", "", as_typed(parts->flag, command));
  if (const auto parts = parts_of(sentence, "", ": 1 required ", " missing"))
    return error(parts->flag + ": no value", "", parts->rest);
  if (const auto parts = parts_of(sentence, "", ": At Most 1 required but received ", ""))
    return error(parts->flag + ": given more than once", parts->rest, "1");
  if (const auto parts = parts_of(sentence, "", " excludes ", ""))
    return error(parts->flag + ": not together with " + parts->rest, "", "");
  return error(sentence, "", "");
}

}  // namespace

Error describe(const CLI::ParseError& error, const CLI::App& app) {
  const CLI::App& command = selected(app);
  const std::vector<std::string> in_front = app.remaining();
  const std::vector<std::string> behind = command.remaining();
  const bool before_a_program =
      command.get_name() == kRunsAProgram &&
      std::ranges::any_of(behind, [](const auto& word) { return word != "--"; });
  if (!is_root(command) && !in_front.empty() && !before_a_program)
    return unknown_in_front(in_front.front(), app, command);
  // An unknown word is the better explanation of something missing (`--polcy x`: policy is
  // missing).
  const std::vector<std::string> rest = command.remaining();
  const auto flag = std::find_if(rest.begin(), rest.end(), [](const std::string& word) {
    return word.size() > 1 && word.front() == '-';
  });
  const bool at_top = is_root(command);
  if (!rest.empty()) return unknown(at_top || flag == rest.end() ? rest.front() : *flag, command);
  return reworded(error.what(), command);
}

}  // namespace bhroute::cli
