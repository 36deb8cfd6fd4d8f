#include "completion_values.h"

#include <map>
#include <set>

#include "bhroute/routing/rule.h"
#include "bhroute/stats/procedure.h"
#include "command.h"
#include "manual.h"

namespace bhroute::cli {
namespace {

using Words = std::vector<std::string>;

Words rule_names() {
  Words names;
  for (const routing::Rule rule : routing::all_rules()) names.emplace_back(to_string(rule));
  return names;
}

Words subcommand_names() {
  Words names;
  for (const Command& command : commands()) names.emplace_back(command.name);
  return names;
}

std::map<std::string, Words> words_by_value() {
  return {{"EFFORT", {"quick", "usual", "thorough"}},
          {"FORM", {"conformal", "gridded"}},
          {"KERNEL", {"none", "gaussian", "epanechnikov", "tophat", "linear"}},
          {"METHOD", stats::procedure_names()},
          {"NULL", {"all", "unselected"}},
          {"RULES", rule_names()},
          {"SCORE", {"second_half", "all"}},
          {"SHELL", {"bash", "zsh", "fish"}},
          {"STATISTIC", {"logit", "log_prob", "standardized"}},
          {"SUBCOMMAND", subcommand_names()},
          {"TYPE", {"float32", "bf16", "f16"}},
          {"WAY", {"auto", "plugin", "callback"}},
          {"WEIGHTS", {"mass", "native", "renormalized"}}};
}

}  // namespace

CompletionValues completion_values(const std::string& value_name) {
  using Kind = CompletionValues::Kind;
  static const std::map<std::string, Words> words = words_by_value();
  static const std::set<std::string> files{"FILE", "GGUF",   "HTML", "JSON",  "JSONL",
                                           "NPY",  "POLICY", "RUN",  "TABLE", "TEXT"};
  if (const auto found = words.find(value_name); found != words.end())
    return {Kind::words, found->second};
  if (value_name == "DIR") return {Kind::folders, {}};
  if (value_name == kProgramValue) return {Kind::program, {}};
  return {files.contains(value_name) ? Kind::files : Kind::nothing, {}};
}

}  // namespace bhroute::cli
