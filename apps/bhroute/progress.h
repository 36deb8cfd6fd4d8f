#pragma once

#include <chrono>
#include <string>

#include "bhroute/core/progress.h"
#include "console.h"

namespace bhroute::cli {

/// Shows progress on the console: on a terminal one live line with bar, rate and time left;
/// otherwise plain lines, few enough for a log file.
class ConsoleProgress final : public ProgressSink {
 public:
  explicit ConsoleProgress(Console& console) : console_(console) {}
  ~ConsoleProgress() override { console_.status(""); }
  void update(std::string_view label, std::uint64_t done, std::uint64_t total,
              std::string_view unit) override;

 private:
  using Clock = std::chrono::steady_clock;
  struct Work {
    std::string label;
    std::uint64_t first = 0,
                  total = 0;  // done when it was first heard of: the rate counts from there
    Clock::time_point start;
  };
  void begin(std::string_view label, std::uint64_t done, std::uint64_t total,
             Clock::time_point now);
  bool due(std::uint64_t done, Clock::time_point now) const;

  Console& console_;
  Work work_;
  bool running_ = false;
  std::uint64_t shown_done_ = 0;
  Clock::time_point shown_at_;
};

/// "1 h 02 min", "3 min 05 s", "42 s".
std::string format_duration(double seconds);

}  // namespace bhroute::cli
