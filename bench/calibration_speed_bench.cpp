// Calibration's share of llama.cpp's own prompt speed: the same text, the same positions flagged
// for output, the two interleaved in one run. Usage: calibration_speed_bench [MODEL.gguf TEXT]
// [ROUNDS] "stock" is a runner with nothing tapped, which the tests hold bit-identical to an
// untouched context; it decodes the same batches. Goal: at least 0.90.

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <vector>

#include "bhroute/calibration/calibrator.h"
#include "bhroute/core/file.h"
#include "bhroute/core/file_limits.h"
#include "bhroute/evaluation/calibrate.h"
#include "llama/llama_runner.h"

namespace {

using namespace bhroute;
using evaluation::Token;

constexpr std::size_t kWindows = 8;

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

double decode_all(evaluation::ModelRunner& model, const evaluation::WindowedText& text) {
  const auto begin = std::chrono::steady_clock::now();
  for (std::size_t w = 0; w < text.num_windows; w += model.windows_per_batch()) {
    std::vector<std::span<const Token>> windows;
    for (std::size_t i = w; i < std::min(text.num_windows, w + model.windows_per_batch()); ++i)
      windows.push_back(text.at(i));
    if (!model.decode(windows, 0, nullptr)) std::exit(1);
  }
  return seconds_since(begin);
}

double calibrate_all(evaluation::ModelRunner& model, const evaluation::WindowedText& text) {
  NoProgress silent;
  calibration::CalibrationOptions all, unselected;
  unselected.null.kind = calibration::NullKind::unselected;
  const auto begin = std::chrono::steady_clock::now();
  if (!evaluation::calibrate(model, text, {all, unselected}, {}, silent)) std::exit(1);
  return seconds_since(begin);
}

int fail(const Error& error) {
  fmt::print(stderr, "calibration_speed_bench: {}\n", to_string(error));
  return 1;
}

int run(const std::string& path, const std::string& text_path, int rounds) {
  llama::LlamaOptions options;
  options.model_path = path;
  auto model = llama::open_model(options);
  if (!model) return fail(model.error());
  auto content = read_file(text_path, kMaxTextBytes);
  if (!content) return fail(content.error());
  auto text = evaluation::make_windows(**model, *content, options.window, kWindows, text_path);
  if (!text) return fail(text.error());
  decode_all(**model, *text);
  std::vector<double> ratios;
  for (int round = 0; round < rounds; ++round) {
    // The order changes from round to round, so that a drifting machine favours neither.
    double stock = round % 2 == 0 ? decode_all(**model, *text) : 0.0;
    const double calibrating = calibrate_all(**model, *text);
    if (round % 2 == 1) stock = decode_all(**model, *text);
    ratios.push_back(stock / calibrating);
    fmt::print("round {}: stock {:.2f} s, calibration (two nulls) {:.2f} s, speed ratio {:.3f}\n",
               round + 1, stock, calibrating, ratios.back());
  }
  std::sort(ratios.begin(), ratios.end());
  fmt::print(
      "calibration keeps {:.3f} of the engine's speed (median of {}; {:.3f} to {:.3f}); goal: at "
      "least 0.90\n",
      ratios[ratios.size() / 2], ratios.size(), ratios.front(), ratios.back());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string root = BHROUTE_SOURCE_DIR;
  const std::string model = argc > 2 ? argv[1] : root + "/models/olmoe-nano/olmoe-nano-q8_0.gguf";
  const std::string text = argc > 2 ? argv[2] : root + "/data/northanger.txt";
  const int rounds = argc == 2 || argc > 3 ? std::atoi(argv[argc - 1]) : 7;
  return run(model, text, std::max(1, rounds));
}
