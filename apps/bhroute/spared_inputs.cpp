#include "spared_inputs.h"

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <set>
#include <string>
#include <system_error>
#include <vector>

#include "bhroute/routing/policy_spec.h"
#include "completion_values.h"
#include "manual.h"
#include "program_file.h"

namespace bhroute::cli {
namespace {

namespace fs = std::filesystem;
using Words = std::vector<std::string>;
using Kind = CompletionValues::Kind;

bool is_output(const CLI::Option& option) {
  return std::ranges::any_of(option.get_lnames(), [](const std::string& name) {
    return name == "output" || name == "losses" || name == "summary" || name == "routing-log" ||
           name == "stats";
  });
}

bool is_same(const fs::path& a, const fs::path& b) {
  std::error_code ignored;
  return fs::equivalent(a, b, ignored);
}

/// What a folder is read for lies in it under these names; tables and pages may be written there.
bool is_read_from(const fs::path& folder, const fs::path& file) {
  static const std::set<fs::path> kinds{".json", ".f32", ".npy", ".pkl"};
  if (!kinds.contains(file.extension())) return false;
  const fs::path place = file.parent_path().empty() ? "." : file.parent_path();
  return is_same(place, folder) || is_same(place, folder / "runs");
}

/// `output` is a file that was given, or one of a folder that was; or a sweep's folder, with the
/// results that it will replace.
bool replaces(const fs::path& output, const fs::path& input) {
  std::error_code ignored;
  if (fs::is_directory(output, ignored))
    return is_same(output / "results.json", input) || is_same(output / "results.csv", input);
  if (!fs::is_regular_file(output, ignored)) return false;
  return is_same(output, input) ||
         (fs::is_directory(input, ignored) && is_read_from(input, output));
}

/// The policy's file and the table that it names. A pipe can be read but once.
Words files_of_policy(const std::string& policy) {
  std::error_code ignored;
  if (fs::exists(policy, ignored) && !fs::is_regular_file(policy, ignored)) return {policy};
  const auto spec = routing::parse_policy(policy);
  return spec ? Words{policy, spec->table} : Words{policy};
}

/// Of another program's words the model alone: what else that reads is its own affair.
Words files_of(const CLI::Option& option) {
  const std::string value = option.get_type_name();
  const Words& given = option.results();
  if (value == kProgramValue) return {model_of(given)};
  Words files;
  for (const std::string& word : given) {
    if (value.starts_with("FORM:")) files.push_back(word.substr(word.find(':') + 1));
    if (value == "POLICY") std::ranges::copy(files_of_policy(word), std::back_inserter(files));
    const Kind kind = completion_values(value).kind;
    if (kind == Kind::files || kind == Kind::folders) files.push_back(word);
  }
  return files;
}

Words inputs_of(const CLI::App& subcommand) {
  Words inputs;
  for (const CLI::Option* option : subcommand.get_options())
    if (!is_output(*option)) std::ranges::copy(files_of(*option), std::back_inserter(inputs));
  return inputs;
}

}  // namespace

Result<void> check_spares_inputs(const CLI::App& subcommand) {
  for (const CLI::Option* option : subcommand.get_options()) {
    if (!is_output(*option) || option->results().empty()) continue;
    const Words inputs = inputs_of(subcommand);
    for (const std::string& output : option->results())
      for (const std::string& input : inputs)
        if (replaces(output, input))
          return invalid_input(option->get_name(), "would replace what the command reads", output,
                               "another place than " + input);
  }
  return {};
}

}  // namespace bhroute::cli
