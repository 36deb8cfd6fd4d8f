#include "quickstart_probe.h"

#include <algorithm>
#include <fstream>

#include "engine.h"

namespace bhroute::cli {
namespace {

// Text of any language has fewer bytes a token.
constexpr std::size_t kMostBytesAToken = 16;

// Only as much as may be needed: the text may be larger than memory.
Result<std::string> read_beginning(const std::string& path, std::size_t max_bytes) {
  std::ifstream file(path, std::ios::binary);
  std::string content(max_bytes, '\0');
  if (!file || std::filesystem::is_directory(path))
    return invalid_input(path, "cannot be read", "", "a text file (-f TEXT)");
  file.read(content.data(), static_cast<std::streamsize>(max_bytes));
  content.resize(static_cast<std::size_t>(file.gcount()));
  if (content.empty()) return invalid_input(path, "the text is empty");
  return content;
}

}  // namespace

Result<QuickstartProbe> probe(const ModelFlags& flags, const QuickstartPlan& plan) {
  if (auto ok = check_model_flags(flags); !ok) return tl::make_unexpected(ok.error());
  auto content = read_beginning(flags.text, plan.total() * flags.window * kMostBytesAToken);
  if (!content) return tl::make_unexpected(content.error());
  auto model = open_engine({flags.model, flags.window, flags.batch, flags.micro_batch,
                            flags.threads, flags.gpu_layers, flags.way, false});
  if (!model) return tl::make_unexpected(model.error());
  const auto windows = evaluation::make_windows(**model, *content, flags.window, 0, flags.text);
  if (!windows) return tl::make_unexpected(windows.error());
  const std::size_t allowed = flags.num_windows == 0
                                  ? windows->num_windows
                                  : std::min(flags.num_windows, windows->num_windows);
  const auto fitting = scaled(plan, allowed);
  if (!fitting) return tl::make_unexpected(fitting.error());
  const auto speed = measure_speed(**model, *windows, flags);
  if (!speed) return tl::make_unexpected(speed.error());
  // One window more than is needed, since tokens are not spread evenly over bytes.
  const double bytes = static_cast<double>(content->size()) /
                       static_cast<double>(windows->num_windows) *
                       static_cast<double>(fitting->total() + 1);
  content->resize(std::min(content->size(), static_cast<std::size_t>(bytes)));
  return QuickstartProbe{(*model)->description(), *fitting, split_text(*content, *fitting), *speed};
}

double estimated_seconds(const QuickstartProbe& probe, double budget, std::size_t num_runs) {
  evaluation::TuneOptions options = probe.plan.tune;
  options.budget = budget;
  const std::size_t windows =
      probe.plan.learning() +
      evaluation::planned_windows(options, probe.model, probe.plan.learning()) +
      num_runs * probe.plan.evaluation;
  return static_cast<double>(windows) * probe.speed.seconds_per_window;
}

}  // namespace bhroute::cli
