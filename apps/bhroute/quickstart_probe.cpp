#include "quickstart_probe.h"

#include <algorithm>

#include "engine.h"

namespace bhroute::cli {
Result<QuickstartProbe> probe(const ModelFlags& flags, const QuickstartPlan& plan,
                              const std::string& text,
                              const std::function<bool(const QuickstartProbe&)>& is_finished) {
  if (flags.num_windows > 0 && flags.num_windows < kFewestWindows)
    return invalid_input("--windows", "too few", std::to_string(flags.num_windows),
                         std::to_string(kFewestWindows) + " or more");
  auto model = open_engine({flags.model, flags.window, flags.batch, flags.micro_batch,
                            flags.threads, flags.gpu_layers, flags.way, false});
  if (!model) return tl::make_unexpected(model.error());
  const auto windows = evaluation::make_windows(**model, text, flags.window, 0, flags.text);
  if (!windows) return tl::make_unexpected(windows.error());
  const std::size_t allowed = flags.num_windows == 0
                                  ? windows->num_windows
                                  : std::min(flags.num_windows, windows->num_windows);
  const auto fitting = scaled(plan, allowed);
  if (!fitting) return tl::make_unexpected(fitting.error());
  auto parts = split_text(**model, text, *fitting, flags.window);
  if (!parts) return tl::make_unexpected(parts.error());
  QuickstartProbe probed{(*model)->description(), *std::move(parts), {flags.threads, 0.0, 0.0}};
  if (is_finished(probed)) return probed;
  const auto speed = measure_speed(**model, *windows, flags);
  if (!speed) return tl::make_unexpected(speed.error());
  probed.speed = *speed;
  return probed;
}

double estimated_seconds(const QuickstartProbe& probe, double budget, std::size_t num_runs) {
  const QuickstartPlan& plan = probe.plan();
  evaluation::TuneOptions options = plan.tune;
  options.budget = budget;
  const std::size_t windows = plan.learning() +
                              evaluation::planned_windows(options, probe.model, plan.learning()) +
                              num_runs * plan.evaluation;
  return static_cast<double>(windows) * probe.speed.seconds_per_window;
}

}  // namespace bhroute::cli
