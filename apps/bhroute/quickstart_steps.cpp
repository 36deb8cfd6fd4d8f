#include "quickstart_steps.h"

#include <fmt/format.h>

#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "bhroute/core/file_format.h"
#include "bhroute/core/json.h"
#include "bhroute/routing/policy_spec.h"

namespace bhroute::cli {
namespace {

using nlohmann::json;

/// The flags that say how the model runs, where they are not the usual ones.
void add_model_words(Words& words, const ModelFlags& flags) {
  const ModelFlags usual;
  const auto add = [&](const char* name, const auto& value, const auto& fallback) {
    if (value != fallback) words.insert(words.end(), {name, fmt::format("{}", value)});
  };
  words.insert(words.end(), {"-m", flags.model});
  add("-c", flags.window, usual.window);
  add("-t", flags.threads, usual.threads);
  add("-b", flags.batch, usual.batch);
  add("--micro-batch", flags.micro_batch, usual.micro_batch);
  add("--gpu-layers", flags.gpu_layers, usual.gpu_layers);
  add("--engine", flags.way, usual.way);
}

Words on_text(const char* subcommand, const ModelFlags& flags, const std::string& text,
              std::size_t num_windows) {
  Words words{subcommand};
  add_model_words(words, flags);
  words.insert(words.end(), {"-f", text, "--windows", std::to_string(num_windows)});
  return words;
}

json entry(std::string name, std::string marking, json policy) {
  return {
      {"name", std::move(name)}, {"marking", std::move(marking)}, {"policy", std::move(policy)}};
}

std::string file_name(const std::string& path) {
  return std::filesystem::path(path).filename().string();
}

}  // namespace

Words calibrate_words(const ModelFlags& flags, const QuickstartPlan& plan,
                      const QuickstartPaths& paths) {
  Words words = on_text("calibrate", flags, paths.learning(), plan.learning());
  words.insert(words.end(), {"--null", "unselected", "-o", paths.table()});
  return words;
}

Words tune_words(const ModelFlags& flags, const QuickstartPlan& plan, double budget,
                 const QuickstartPaths& paths) {
  Words words = on_text("tune", flags, paths.learning(), plan.learning());
  words.insert(words.end(), {"--budget", fmt::format("{}", budget), "-o", paths.policy()});
  for (const auto& [name, value] : {std::pair("--fit", plan.tune.fit),
                                    {"--sensitivity", plan.tune.sensitivity},
                                    {"--screen", plan.tune.screen},
                                    {"--second", plan.tune.second},
                                    {"--final", plan.tune.final}})
    words.insert(words.end(), {name, std::to_string(value)});
  return words;
}

Words sweep_words(const ModelFlags& flags, const QuickstartPlan& plan,
                  const QuickstartPaths& paths) {
  Words words = on_text("sweep", flags, paths.evaluation(), plan.evaluation);
  words.insert(words.end(), {"--table-unselected", paths.table(), "--configurations",
                             paths.configurations(), "-o", paths.sweep()});
  return words;
}

Words report_words(const QuickstartPaths& paths) {
  return {"report", paths.sweep(), "-o", paths.report()};
}

Words serve_words(const ModelFlags& flags, const QuickstartPaths& paths) {
  return {"bhroute", "exec", "--policy", paths.policy(), "--", kServer, "-m", flags.model};
}

Result<std::string> configurations_text(const evaluation::ModelDescription& model, double budget,
                                        const std::string& bh, const QuickstartPaths& paths) {
  const auto tuned = routing::parse_policy(paths.policy());
  if (!tuned) return tl::make_unexpected(tuned.error());
  json list = json::array();
  list.push_back(entry(kOwnRun, "", fmt::format("top_k:k={}", model.top_k)));
  list.back().update({{"role", "baseline"}, {"plain_override", true}});
  const auto middle = static_cast<std::size_t>(std::lround(budget));
  for (std::size_t k = std::max<std::size_t>(middle, 2) - 1; k <= middle + 1; ++k) {
    const bool is_own = k == model.top_k && tuned->weights == routing::WeightRule::native;
    if (k > model.num_experts || is_own) continue;
    list.push_back(entry(fmt::format("fixed {} ({} weights)", k, to_string(tuned->weights)),
                         "static",
                         fmt::format("top_k:k={},weights={}", k, to_string(tuned->weights))));
  }
  if (!bh.empty()) {
    list.push_back(entry(bh, "unselected", bh));
    list.back()["null"] = "unselected";
  }
  list.push_back(entry(kTunedRun, "tuned", file_name(paths.policy())));
  std::error_code ignored;
  if (std::filesystem::exists(paths.adaptive(), ignored))
    list.push_back(entry("tuned, adaptive", "tuned", file_name(paths.adaptive())));
  return dump_json({{kFormatVersionKey, kConfigurationsFormat.version}, {"configurations", list}},
                   2) +
         "\n";
}

}  // namespace bhroute::cli
