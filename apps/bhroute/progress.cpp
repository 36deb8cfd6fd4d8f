#include "progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace bhroute::cli {
namespace {

using std::chrono::duration;

constexpr double kTerminalInterval = 0.1;  // seconds between redraws
constexpr double kPlainInterval = 5.0;     // seconds between lines of a log
constexpr double kPlainShortest = 1.0;     // ... where a tenth of the work has been done

std::string bar(double share) {
  constexpr int width = 24;
  const int filled = static_cast<int>(share * width);
  return "[" + std::string(filled, '#') + std::string(width - filled, '.') + "] ";
}

std::string rate_and_time_left(double rate, double left, std::string_view unit) {
  if (!(rate > 0.0)) return "";
  return fmt::format(", {:.{}f} {}/s, {} left", rate, rate < 10.0 ? 2 : 0, unit,
                     format_duration(left / rate));
}

}  // namespace

std::string format_duration(double seconds) {
  const auto s = static_cast<long long>(std::llround(seconds));
  if (s >= 3600) return fmt::format("{} h {:02} min", s / 3600, s % 3600 / 60);
  if (s >= 60) return fmt::format("{} min {:02} s", s / 60, s % 60);
  return fmt::format("{} s", s);
}

void ConsoleProgress::begin(std::string_view label, std::uint64_t done, std::uint64_t total,
                            Clock::time_point now) {
  work_ = {std::string(label), done, total, now};
  running_ = true;
  shown_done_ = done;
  shown_at_ = now;
}

bool ConsoleProgress::due(std::uint64_t done, Clock::time_point now) const {
  const double since = duration<double>(now - shown_at_).count();
  if (console_.is_terminal()) return since >= kTerminalInterval;
  const bool tenth = (done - shown_done_) * 10 >= work_.total;
  return since >= kPlainInterval || (tenth && since >= kPlainShortest);
}

void ConsoleProgress::update(std::string_view label, std::uint64_t done, std::uint64_t total,
                             std::string_view unit) {
  if (console_.quiet) return;
  const auto now = Clock::now();
  if (!running_ || label != work_.label || total != work_.total || done < shown_done_)
    begin(label, done, total, now);
  const double elapsed = duration<double>(now - work_.start).count();
  if (total > 0 && done >= total) {
    console_.info(fmt::format("{}: {} {} in {}", label, done, unit, format_duration(elapsed)));
    running_ = false;
    return;
  }
  if (!due(done, now)) return;
  const double share = total > 0 ? static_cast<double>(done) / static_cast<double>(total) : 0.0;
  const double rate = static_cast<double>(done - work_.first) / std::max(elapsed, 1e-9);
  const std::string line =
      fmt::format("{} {}/{} {} ({:.0f} %){}", label, done, total, unit, 100.0 * share,
                  rate_and_time_left(rate, static_cast<double>(total - done), unit));
  console_.is_terminal() ? console_.status(bar(share) + line) : console_.info(line);
  shown_done_ = done;
  shown_at_ = now;
}

}  // namespace bhroute::cli
