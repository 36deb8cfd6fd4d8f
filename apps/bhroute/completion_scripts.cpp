#include "completion_scripts.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "completion_values.h"

namespace bhroute::cli {
namespace {

using Kind = CompletionValues::Kind;

std::string escaped(std::string_view text, std::string_view special, std::string_view before) {
  std::string out;
  for (const char c : text) {
    if (special.find(c) != std::string_view::npos) out += before;
    out += c;
  }
  return out;
}

std::vector<std::string> names_of(const std::vector<ManualOption>& options) {
  std::vector<std::string> names;
  for (const ManualOption& option : options)
    if (!option.is_positional) names.insert(names.end(), option.names.begin(), option.names.end());
  return names;
}

std::string in_single_quotes(const std::string& text, std::string_view quote) {
  std::string out = "'";
  for (const char c : text) c == '\'' ? out += quote : out += c;
  return out + "'";
}

// ---- bash: what no case answers is completed as a file name, by `-o default`

std::string bash_words(const std::vector<std::string>& words) {
  return fmt::format("COMPREPLY=($(compgen -W \"{}\" -- \"$word\"))", fmt::join(words, " "));
}

std::string bash_answer(const CompletionValues& values) {
  if (values.kind == Kind::words) return bash_words(values.words) + "; return";
  if (values.kind == Kind::nothing) return "compopt +o default +o bashdefault 2> /dev/null; return";
  if (values.kind == Kind::folders)
    return "compopt -o dirnames +o default +o bashdefault 2> /dev/null; return";
  return "return";
}

std::string bash_flag_values(const ManualCommand& command) {
  std::string cases;
  for (const ManualOption& option : command.options) {
    if (option.is_positional || option.value.empty()) continue;
    std::vector<std::string> patterns;
    for (const std::string& name : option.names)
      patterns.push_back(fmt::format("\"{} {}\"", command.name, name));
    cases += fmt::format("    {}) {} ;;\n", fmt::join(patterns, " | "),
                         bash_answer(completion_values(option.value)));
  }
  return cases;
}

std::string bash_positionals(const ManualCommand& command) {
  for (const ManualOption& option : command.options)
    if (const auto values = completion_values(option.value);
        option.is_positional && values.kind == Kind::words)
      return fmt::format("    {}) {} ;;\n", command.name, bash_words(values.words));
  return "";
}

// ---- zsh

std::string zsh_text(const std::string& text) { return escaped(text, "[]:\\", "\\"); }

std::string zsh_action(const CompletionValues& values) {
  switch (values.kind) {
    case Kind::nothing:
      return " ";
    case Kind::files:
      return "_files";
    case Kind::folders:
      return "_files -/";
    case Kind::program:
      return "_normal";
    case Kind::words:
      break;
  }
  return fmt::format("({})", fmt::join(values.words, " "));
}

// '(-m --model)'{-m,--model=}'[The model]:GGUF:_files'
std::string zsh_option(const ManualOption& option) {
  const auto values = completion_values(option.value);
  const std::string value =
      option.value.empty() ? "" : ":" + zsh_text(option.value) + ":" + zsh_action(values);
  if (option.is_positional)
    return in_single_quotes((values.kind == Kind::program ? "*:"
                             : option.repeats             ? "*"
                                                          : "") +
                                value,
                            "'\\''");
  const bool repeats = option.repeats;
  std::string spec;
  for (const std::string& name : option.names) {
    const bool long_with_value = name.starts_with("--") && !option.value.empty();
    const std::string others = repeats ? "*" : fmt::format("({})", fmt::join(option.names, " "));
    spec += (spec.empty() ? "" : " \\\n        ") +
            in_single_quotes(fmt::format("{}{}{}[{}]{}", others, name, long_with_value ? "=" : "",
                                         zsh_text(option.help), value),
                             "'\\''");
  }
  return spec;
}

std::string zsh_command(const ManualCommand& command) {
  std::string text = fmt::format("    {}) _arguments -s", command.name);
  for (const ManualOption& option : command.options) text += " \\\n        " + zsh_option(option);
  return text + " ;;\n";
}

// ---- fish

std::string fish_value(const ManualOption& option) {
  const auto values = completion_values(option.value);
  switch (values.kind) {
    case Kind::nothing:
      return option.value.empty() ? " -f" : " -x";
    case Kind::files:
      return " -r -F";
    case Kind::folders:
      return " -x -a '(__fish_complete_directories)'";
    case Kind::program:
      return " -x -a '(__fish_complete_subcommand)'";
    case Kind::words:
      break;
  }
  return fmt::format(" -x -a '{}'", fmt::join(values.words, " "));
}

std::string fish_option(const ManualOption& option, const std::string& condition) {
  std::string line = "complete -c bhroute -n '" + condition + "'";
  if (!option.is_positional)
    for (const std::string& name : option.names)
      line += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
  return line + fish_value(option) + " -d " +
         in_single_quotes(escaped(option.help, "\\", "\\"), "\\'") + "\n";
}

}  // namespace

std::string bash_completions(const Manual& manual) {
  std::vector<std::string> first = names_of(manual.options);
  std::string values, positionals, flags;
  for (const ManualCommand& command : manual.commands) {
    first.push_back(command.name);
    values += bash_flag_values(command);
    positionals += bash_positionals(command);
    flags += fmt::format("    {}) {} ;;\n", command.name, bash_words(names_of(command.options)));
  }
  return fmt::format(R"(# bash completion of bhroute, made by `bhroute completions bash`
_bhroute() {{
  local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}} command=${{COMP_WORDS[1]}} i
  COMPREPLY=()
  if [[ $COMP_CWORD -eq 1 ]]; then
    {0}
    return
  fi
  for ((i = 2; i < COMP_CWORD; ++i)); do [[ ${{COMP_WORDS[i]}} == -- ]] && return; done
  [[ $before == = ]] && before=${{COMP_WORDS[COMP_CWORD-2]}}
  [[ $word == = ]] && word=
  case "$command $before" in
{1}  esac
  [[ $word == -* ]] || case $command in
{2}  esac
  [[ $word != -* ]] || case $command in
{3}  esac
}}
complete -o bashdefault -o default -F _bhroute bhroute
)",
                     bash_words(first), values, positionals, flags);
}

std::string zsh_completions(const Manual& manual) {
  std::string summaries, flags, cases;
  for (const ManualCommand& command : manual.commands) {
    summaries +=
        "    " + in_single_quotes(command.name + ":" + zsh_text(command.summary), "'\\''") + "\n";
    cases += zsh_command(command);
  }
  for (const ManualOption& option : manual.options) flags += " " + zsh_option(option);
  return fmt::format(R"(#compdef bhroute
# zsh completion of bhroute, made by `bhroute completions zsh`
_bhroute() {{
  local -a subcommands=(
{0}  )
  if (( CURRENT == 2 )); then
    _describe -t subcommands subcommand subcommands
    _arguments{1}
    return
  fi
  shift words
  (( CURRENT -= 1 ))
  case $words[1] in
{2}  esac
}}
if [ "$funcstack[1]" = _bhroute ]; then _bhroute "$@"; else compdef _bhroute bhroute; fi
)",
                     summaries, flags, cases);
}

std::string fish_completions(const Manual& manual) {
  const std::string at_first = "__fish_use_subcommand";
  std::string text = "# fish completion of bhroute, made by `bhroute completions fish`\n";
  for (const ManualOption& option : manual.options) text += fish_option(option, at_first);
  for (const ManualCommand& command : manual.commands) {
    text += fmt::format("complete -c bhroute -n '{}' -f -a {} -d {}\n", at_first, command.name,
                        in_single_quotes(escaped(command.summary, "\\", "\\"), "\\'"));
    for (const ManualOption& option : command.options)
      text += fish_option(option, "__fish_seen_subcommand_from " + command.name);
  }
  return text;
}

}  // namespace bhroute::cli
