#include "spared_inputs.h"

#include <algorithm>
#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

#include "bhroute/routing/policy_spec.h"

namespace bhroute::cli {
namespace {

namespace fs = std::filesystem;

bool is_output(const CLI::Option& option) {
  return std::ranges::any_of(option.get_lnames(), [](const std::string& name) {
    return name == "output" || name == "losses" || name == "summary" || name == "routing-log" ||
           name == "stats";
  });
}

bool is_one_file(const std::string& a, const std::string& b) {
  std::error_code ignored;
  return fs::is_regular_file(a, ignored) && fs::equivalent(a, b, ignored);
}

/// Words that may be files, and the tables that policies name.
std::vector<std::string> inputs_of(const CLI::App& subcommand) {
  std::vector<std::string> inputs;
  for (const CLI::Option* option : subcommand.get_options()) {
    if (is_output(*option)) continue;
    for (const std::string& word : option->results()) {
      inputs.push_back(word);
      if (option->check_lname("policy"))
        if (const auto policy = routing::parse_policy(word)) inputs.push_back(policy->table);
    }
  }
  return inputs;
}

}  // namespace

Result<void> check_spares_inputs(const CLI::App& subcommand) {
  const std::vector<std::string> inputs = inputs_of(subcommand);
  for (const CLI::Option* option : subcommand.get_options()) {
    if (!is_output(*option)) continue;
    for (const std::string& output : option->results())
      for (const std::string& input : inputs)
        if (is_one_file(output, input))
          return invalid_input(option->get_name(), "would replace what the command reads", output,
                               "another file than " + input);
  }
  return {};
}

}  // namespace bhroute::cli
