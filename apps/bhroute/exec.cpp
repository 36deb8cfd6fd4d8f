// bhroute exec: starts a llama.cpp program with the plugin in it.

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <vector>

#include "bhroute/core/file.h"
#include "bhroute/core/sha256.h"
#include "bhroute/routing/policy_table.h"
#include "command.h"
#include "engine.h"
#include "ggml/preload.h"
#include "manual.h"
#include "output_path.h"
#include "plugin_file.h"
#include "program_file.h"
#include "table_source.h"

namespace bhroute::cli {
namespace {

struct Flags {
  bool force = false;
  std::string policy, statistics, plugin;
  std::vector<std::string> program;
};

// The plugin sees the model's shape, not its file: here the hashes can be compared.
Result<void> check_model(const std::string& path, const TablePtr& table, const Flags& flags) {
  const std::string model = model_of(flags.program);
  std::error_code ignored;
  if (flags.force || table == nullptr || table->metadata.model_sha256.empty() ||
      !std::filesystem::is_regular_file(model, ignored))
    return {};
  const auto digest = sha256_file(model);
  if (!digest) return tl::make_unexpected(digest.error());
  evaluation::ModelDescription description;
  description.name = model;
  description.sha256 = *digest;
  return check_made_for({path, table}, description, false);
}

// A number that the model's experts cannot have would leave the whole run unrouted.
Result<void> check_fits(const routing::PolicySpec& policy, const Flags& flags) {
  const std::string model = model_of(flags.program);
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(model, ignored)) return {};
  const auto header = read_model_header(model);
  return header ? routing::validate(policy, header->num_experts) : Result<void>();
}

// The plugin checks again; here a mistake ends the command before the program starts.
Result<std::string> check_policy(const Flags& flags) {
  const std::string& text = flags.policy;
  const auto policy = routing::parse_policy(text);
  if (!policy) return tl::make_unexpected(policy.error());
  const auto table = routing::open_policy_table(*policy);
  if (!table) return tl::make_unexpected(table.error());
  if (auto ok = check_fits(*policy, flags); !ok) return tl::make_unexpected(ok.error());
  if (auto ok = check_model(policy->table, *table, flags); !ok)
    return tl::make_unexpected(ok.error());
  std::error_code ignored;
  const bool is_file = std::filesystem::is_regular_file(text, ignored);
  return is_file ? std::filesystem::absolute(text).string() : routing::to_string(*policy);
}

void append(const char* variable, const std::string& value) {
  const char* old = std::getenv(variable);
  const bool has_old = old != nullptr && *old != '\0';
  setenv(variable, (has_old ? std::string(old) + ":" + value : value).c_str(), 1);
}

// Replaced every 50 ms: a pipe would hold the program up, and a log would be lost.
Result<void> check_statistics(const std::string& path) {
  if (path.empty()) return {};
  std::error_code ignored;
  if (std::filesystem::is_fifo(path, ignored) || std::filesystem::is_socket(path, ignored))
    return invalid_input("--stats", "is a pipe", path, "a file's path");
  if (std::filesystem::is_regular_file(path, ignored) && is_standard_stream(path))
    return invalid_input("--stats", "is where the program's own output goes", path,
                         "a file of its own");
  return check_writable(path, "--stats");
}

// Programs with the CPU backend linked in never look for others: these take the plugin by
// LD_PRELOAD. Programs that load their backends find it by GGML_BACKEND_PATH.
Result<void> prepare_environment(const Flags& flags) {
  if (auto ok = check_statistics(flags.statistics); !ok) return ok;
  const auto policy = check_policy(flags);
  if (!policy) return tl::make_unexpected(policy.error());
  const auto plugin = find_plugin_file(flags.plugin);
  if (!plugin) return tl::make_unexpected(plugin.error());
  if (auto ok = check_preloads(*plugin); !ok) return ok;
  const int mark =
      memfd_create("bhroute-exec", 0);  // inherited, so that what a script starts counts
  if (mark < 0) return failure("exec", "no memory for a mark", std::strerror(errno));
  setenv("BHROUTE_POLICY", policy->c_str(), 1);
  setenv("GGML_BACKEND_PATH", plugin->c_str(), 1);
  setenv(ggml::kExecVariable, fmt::format("{}:{}", getpid(), mark).c_str(), 1);
  if (!flags.statistics.empty())
    setenv("BHROUTE_STATS", std::filesystem::absolute(flags.statistics).c_str(), 1);
  append("LD_PRELOAD", plugin->string());  // a sanitizer of the caller's must come first
  return {};
}

Result<void> start(const Flags& flags) {
  const auto program = find_program(flags.program.front());
  if (!program) return tl::make_unexpected(program.error());
  if (auto takes = check_takes_preload(*program); !takes) return takes;
  if (auto prepared = prepare_environment(flags); !prepared) return prepared;
  std::vector<char*> words;
  for (const std::string& word : flags.program) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  execv(program->c_str(), words.data());
  return failure("exec", "cannot start the program", std::strerror(errno), program->string());
}

}  // namespace

Action declare_exec(CLI::App& app, Context& context) {
  auto flags = std::make_shared<Flags>();
  app.add_option("--policy", flags->policy,
                 "Short form, or a JSON file, which is read again when it changes")
      ->type_name("POLICY")
      ->required();
  app.add_option("--stats", flags->statistics,
                 "File that always holds the line of what was routed; FILE.json holds it as JSON")
      ->type_name("FILE");
  app.add_flag("--force", flags->force,
               "Use a table that was made from another model; the model's file is not hashed");
  app.add_option("--plugin", flags->plugin, "Another libggml-bhroute.so")->type_name("FILE");
  app.add_option("program", flags->program, "The program and its flags, behind --")
      ->type_name(kProgramValue)
      ->required();
  return [flags, &context] {
    if (context.console.quiet) setenv("BHROUTE_QUIET", "1", 1);
    return start(*flags);
  };
}

}  // namespace bhroute::cli
