#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "bhroute/core/progress.h"
#include "console.h"

namespace bhroute::cli {

/// Shows progress on the console: on a terminal one live line with bar, rate and time left;
/// otherwise plain lines, few enough for a log file. Work reported while other work is unfinished
/// is part of it ("evaluate" within "sweep"): both stand on the line.
class ConsoleProgress final : public ProgressSink {
 public:
  explicit ConsoleProgress(Console& console) : console_(console) {}
  ~ConsoleProgress() override { console_.status(""); }
  void update(std::string_view label, std::uint64_t done, std::uint64_t total,
              std::string_view unit) override;

 private:
  using Clock = std::chrono::steady_clock;
  struct Work {
    std::string label, unit;
    std::uint64_t done = 0, total = 0;
    Clock::time_point start;
    std::uint64_t timed_from = 0;  // what was done when the clock of the rate started
    Clock::time_point timed_since;
    bool has_inner = false;
  };
  Work& current(std::string_view label, std::uint64_t done, std::uint64_t total,
                std::string_view unit);
  void begin(Work work);
  void finish(const Work& work);
  bool due() const;
  void show();
  static std::string describe(const Work& work, Clock::time_point now);

  Console& console_;
  std::vector<Work> works_;  // outermost first
  std::uint64_t shown_done_ = 0;
  Clock::time_point shown_at_;
};

/// "1 h 02 min", "3 min 05 s", "42 s".
std::string format_duration(double seconds);

}  // namespace bhroute::cli
