#pragma once
// What was routed, over all contexts of the process, and the line that says so.

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <mutex>
#include <set>
#include <string>

#include "ggml/bhroute_ggml.h"
#include "ggml/statistics_file.h"

namespace bhroute::ggml {

/// Of one layer of one micro-batch.
struct LayerWork {
  int layer = 0;
  std::size_t num_tokens = 0;
  std::size_t pairs = 0, own_pairs = 0, computed_pairs = 0;
  std::chrono::nanoseconds choosing{}, block{};
};

/// Thread-safe.
class Statistics {
 public:
  void count(const LayerWork& work);
  /// A layer that was left alone, and why. The first layer with a new reason is told at once.
  void count_untouched(int layer, const std::string& reason);
  void reset();

  bhroute_ggml_statistics snapshot() const;
  /// One line; with no layer fused, a warning with the reasons.
  std::string summary() const;

  /// The same as one JSON object on one line; its keys are in docs/formats.md.
  std::string json() const;

  /// Keeps `summary`, or `json` where its name ends in .json, in this file until `finish_file`.
  void write_to(std::filesystem::path file);
  void finish_file() { file_.finish(); }

 private:
  static constexpr std::size_t kMostLayers = 1024;
  std::array<std::atomic<std::uint64_t>, kMostLayers> tokens_{};  // by layer
  std::atomic<std::uint64_t> pairs_{0}, own_pairs_{0}, computed_pairs_{0};
  std::atomic<std::uint64_t> choosing_ns_{0}, block_ns_{0};
  mutable std::mutex mutex_;
  std::map<std::string, std::set<int>> untouched_;  // reason -> layers
  StatisticsFile file_;                             // last: its thread reads the others
};

}  // namespace bhroute::ggml
