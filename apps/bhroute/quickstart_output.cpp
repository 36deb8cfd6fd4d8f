#include "quickstart_output.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "bhroute/core/file_limits.h"
#include "bhroute/core/json.h"
#include "bhroute/evaluation/run_result.h"
#include "json_output.h"
#include "progress.h"
#include "shell_words.h"

namespace bhroute::cli {
namespace {

using evaluation::RunResult;
using nlohmann::json;

Result<RunResult> find_run(const json& results, const char* name, const std::string& where) {
  for (const json& run : results.value("runs", json::array()))
    if (run.is_object() && run.value("name", "") == name)
      return evaluation::run_result_from_json(run, where);
  return failure(where, "the evaluation lacks a run", name);
}

std::string line(const char* label, const std::string& value) {
  return fmt::format("{:<10}{}\n", label, value);
}

// Lines of a value stand below its first.
std::string below(const std::string& value) { return fmt::format("\n{:<10}{}", "", value); }

std::string loss_words(const QuickstartOutcome& outcome) {
  const RunResult& tuned = outcome.tuned;
  std::string text = fmt::format("perplexity {:.3f}, the model's own {:.3f}", tuned.perplexity,
                                 outcome.own.perplexity);
  if (!tuned.loss_difference || !tuned.loss_difference_low || !tuned.loss_difference_high)
    return text;
  return text +
         below(fmt::format("{:+.4f} nats a token [{:+.4f}, {:+.4f}], 95 %", *tuned.loss_difference,
                           *tuned.loss_difference_low, *tuned.loss_difference_high));
}

// What decides whether to serve it: the fixed number of experts costs as much, and needs no
// statistics.
std::string fixed_words(const RunResult& tuned) {
  if (tuned.policy.rule == routing::Rule::top_k)
    return "it is a fixed number of experts: no adaptive policy was better";
  if (!tuned.static_difference || !tuned.static_difference_low || !tuned.static_difference_high)
    return "not compared: no fixed counts lie on both sides of the mean";
  const char* verdict = *tuned.static_difference_low > 0.0    ? "the fixed number is better"
                        : *tuned.static_difference_high < 0.0 ? "the policy is better"
                                                              : "they cannot be told apart";
  return fmt::format("{}: against a fixed number at the same mean", verdict) +
         below(fmt::format("{:+.4f} nats a token [{:+.4f}, {:+.4f}]", *tuned.static_difference,
                           *tuned.static_difference_low, *tuned.static_difference_high));
}

// Parameters, perhaps one a layer, stay in the file.
std::string policy_words(const routing::PolicySpec& policy, const std::string& path) {
  return fmt::format("{}, {} weights: {}", to_string(policy.rule), to_string(policy.weights), path);
}

// Why fewer threads than cores, where the user has not said how many.
std::string threads_text(const QuickstartSpeed& speed) {
  if (speed.every_core_seconds == 0.0) return "";
  return fmt::format(
      "other programs are at work: a window takes {:.2f} s with every core and {:.2f} s with -t "
      "{}, which is taken; -t N insists\n",
      speed.every_core_seconds, speed.seconds_per_window, speed.threads);
}

std::string time_text(const QuickstartSpeed& speed, double estimated_seconds) {
  if (speed.seconds_per_window == 0.0) return "an earlier run finished all of it";
  return fmt::format(
      "at {:.2f} s a window this takes about {} (what an earlier run finished is not run again)",
      speed.seconds_per_window, format_duration(estimated_seconds));
}

std::string taken_words(const QuickstartFacts& facts) {
  const std::string taken = format_duration(facts.seconds);
  if (facts.estimated_seconds == 0.0) return taken + "; an earlier run had finished all of it";
  return taken + ", estimated " + format_duration(facts.estimated_seconds);
}

std::string serve_words_of(const QuickstartFacts& facts) {
  const std::string command = shell_line(facts.serve);
  if (facts.has_server) return command;
  return command + below("llama-server is not in PATH: name its file (see docs/hosts.md)");
}

}  // namespace

std::string plan_text(const QuickstartProbe& probe, double budget, double estimated_seconds,
                      const std::string& model) {
  return threads_text(probe.speed) + fmt::format(
                                         "model {}\nbudget {} experts a token and layer; {} "
                                         "windows to calibrate and tune on, {} "
                                         "after them to evaluate on\n{}",
                                         model, budget, probe.plan().learning(),
                                         probe.plan().evaluation,
                                         time_text(probe.speed, estimated_seconds));
}

std::string plan_json(const QuickstartProbe& probe, double budget, double estimated_seconds,
                      const std::vector<std::string>& commands) {
  return json_text({{"budget", budget},
                    {"estimated_seconds", estimated_seconds},
                    {"seconds_per_window", probe.speed.seconds_per_window},
                    {"threads", probe.speed.threads},
                    {"learning_windows", probe.plan().learning()},
                    {"evaluation_windows", probe.plan().evaluation},
                    {"commands", commands},
                    {"versions", versions_json()}});
}

std::vector<std::string> command_lines(const ModelFlags& flags, const QuickstartProbe& probe,
                                       double budget, const QuickstartPaths& paths) {
  std::vector<std::string> lines;
  for (const Words& words :
       {calibrate_words(flags, probe.plan(), paths), tune_words(flags, probe.plan(), budget, paths),
        sweep_words(flags, probe.plan(), paths), report_words(paths)})
    lines.push_back("bhroute " + shell_line(words));
  return lines;
}

Result<QuickstartOutcome> read_outcome(const QuickstartPaths& paths, QuickstartFacts facts) {
  const auto results = read_json(paths.results(), kMaxJsonBytes);
  if (!results) return tl::make_unexpected(results.error());
  auto own = find_run(*results, kOwnRun, paths.results());
  if (!own) return tl::make_unexpected(own.error());
  auto tuned = find_run(*results, kTunedRun, paths.results());
  if (!tuned) return tl::make_unexpected(tuned.error());
  return QuickstartOutcome{std::move(facts), *std::move(own), *std::move(tuned)};
}

std::string outcome_json(const QuickstartOutcome& outcome, const QuickstartPaths& paths) {
  json object{{"budget", outcome.facts.budget},
              {"estimated_seconds", outcome.facts.estimated_seconds},
              {"seconds", outcome.facts.seconds},
              {"serve", shell_line(outcome.facts.serve)},
              {"policy", paths.policy()},
              {"table", paths.table()},
              {"results", paths.results()},
              {"report", paths.report()},
              {"mean_experts", outcome.tuned.mean_experts},
              {"perplexity", outcome.tuned.perplexity},
              {"own_perplexity", outcome.own.perplexity},
              {"versions", versions_json()}};
  const RunResult& tuned = outcome.tuned;
  for (const auto& [key, value] : {std::pair("loss_difference", tuned.loss_difference),
                                   {"static_difference", tuned.static_difference},
                                   {"static_difference_low", tuned.static_difference_low},
                                   {"static_difference_high", tuned.static_difference_high}})
    if (value) object[key] = *value;
  return json_text(object);
}

std::string readable(const QuickstartOutcome& outcome, const QuickstartPaths& paths) {
  const auto& [facts, own, tuned] = outcome;
  std::string text = "\n" + line("policy", policy_words(tuned.policy, paths.policy()));
  text += line("experts", fmt::format("{:.3f} a token, the model's own {:.3f}", tuned.mean_experts,
                                      own.mean_experts));
  text += line("quality", loss_words(outcome));
  text += line("worth it?", fixed_words(tuned));
  text += line("speed", fmt::format("{:.0f} tokens/s while evaluated, the model's own {:.0f}",
                                    tuned.tokens_per_second, own.tokens_per_second));
  text +=
      line("report", fmt::format("{}; what the steps printed: {}", paths.report(), paths.steps()));
  text += line("time", taken_words(facts));
  return text + line("serve it", serve_words_of(facts));
}

}  // namespace bhroute::cli
