#include "quickstart_speed.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <ctime>

namespace bhroute::cli {
namespace {

constexpr double kHeldByOthers = 0.25;  // cores; what the process itself leaves idle is less
constexpr double kWorthwhile = 0.9;     // of the time with every core: less is no chance

struct Timing {
  double seconds = 0.0;  ///< a window
  double cores = 0.0;    ///< that the process got, on average
};

Result<Timing> time_windows(evaluation::ModelRunner& model, const evaluation::WindowedText& text,
                            std::size_t count) {
  std::vector<std::span<const evaluation::Token>> batch;
  for (std::size_t w = 0; w < std::min(count, text.num_windows); ++w) batch.push_back(text.at(w));
  const auto start = std::chrono::steady_clock::now();
  const std::clock_t cpu = std::clock();
  if (auto ok = model.decode(batch, 0, nullptr); !ok) return tl::make_unexpected(ok.error());
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  const double cpu_seconds = static_cast<double>(std::clock() - cpu) / CLOCKS_PER_SEC;
  return Timing{seconds.count() / static_cast<double>(batch.size()), cpu_seconds / seconds.count()};
}

/// Threads of ours and of others share the cores evenly: with n of ours on n cores and o of others
/// we get n n / (n + o) of them, and n - o are free.
int free_cores(double cores, double got) {
  return static_cast<int>(std::lround(std::clamp(2 * cores - cores * cores / got, 1.0, cores - 1)));
}

}  // namespace

Result<QuickstartSpeed> measure_speed(evaluation::ModelRunner& model,
                                      const evaluation::WindowedText& text,
                                      const ModelFlags& flags) {
  const std::size_t batch = model.windows_per_batch();
  if (const auto warm = time_windows(model, text, 1); !warm)
    return tl::make_unexpected(warm.error());
  const auto usual = time_windows(model, text, batch);
  if (!usual) return tl::make_unexpected(usual.error());
  const QuickstartSpeed as_asked{flags.threads, usual->seconds, 0.0};
  const auto cores = static_cast<double>(num_threads(flags));
  // On a GPU the threads have little to do: that they got few cores says nothing.
  const bool may_choose = flags.threads == 0 && flags.gpu_layers == 0 && cores > 1;
  if (!may_choose || usual->cores > cores - kHeldByOthers) return as_asked;
  const int fewer = free_cores(cores, usual->cores);
  model.set_threads(fewer);
  const auto with_fewer = time_windows(model, text, batch);
  if (!with_fewer) return tl::make_unexpected(with_fewer.error());
  if (with_fewer->seconds > kWorthwhile * usual->seconds) return as_asked;
  return QuickstartSpeed{fewer, with_fewer->seconds, usual->seconds};
}

}  // namespace bhroute::cli
