#include "progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace bhroute::cli {
namespace {

using Seconds = std::chrono::duration<double>;

constexpr double kTerminalInterval = 0.1;   // seconds between redraws
constexpr double kPlainInterval = 5.0;      // between the lines of a log; sparser as time goes on
constexpr double kPlainShare = 1.0 / 20.0;  // ... a line each time this much of what has passed
constexpr double kPlainShortest = 1.0;      // where a tenth of the work is done sooner

std::string bar(double share) {
  constexpr int width = 20;
  const int filled = static_cast<int>(share * width);
  return fmt::format("[{:.<{}}] ", std::string(filled, '#'), width);
}

double share(std::uint64_t done, std::uint64_t total) {
  return total > 0 ? static_cast<double>(done) / static_cast<double>(total) : 0.0;
}

}  // namespace

std::string format_duration(double seconds) {
  const auto s = static_cast<long long>(std::llround(seconds));
  if (s >= 3600) return fmt::format("{} h {:02} min", s / 3600, s % 3600 / 60);
  if (s >= 60) return fmt::format("{} min {:02} s", s / 60, s % 60);
  return fmt::format("{} s", s);
}

void ConsoleProgress::update(std::string_view label, std::uint64_t done, std::uint64_t total,
                             std::string_view unit) {
  if (console_.quiet) return;
  Work& work = current(label, done, total, unit);
  work.done = done;
  if (total > 0 && done >= total) return finish(work);
  if (due()) show();
}

ConsoleProgress::Work& ConsoleProgress::current(std::string_view label, std::uint64_t done,
                                                std::uint64_t total, std::string_view unit) {
  const auto found = std::find_if(works_.begin(), works_.end(),
                                  [&](const Work& work) { return work.label == label; });
  const bool goes_on = found != works_.end() && found->total == total && done >= found->done;
  works_.erase(goes_on ? found + 1 : found, works_.end());
  const auto now = Clock::now();
  if (!goes_on) begin({std::string(label), std::string(unit), done, total, now, done, now, false});
  return works_.back();
}

void ConsoleProgress::begin(Work work) {
  if (works_.empty()) {
    shown_done_ = work.done;
    shown_at_ = work.start;
  }
  // What the outer work had done before any inner work began was found finished: it tells nothing
  // of the rate.
  if (works_.size() == 1 && !works_.front().has_inner) {
    Work& outer = works_.front();
    outer.has_inner = true;
    outer.timed_from = outer.done;
    outer.timed_since = work.start;
  }
  works_.push_back(std::move(work));
}

void ConsoleProgress::finish(const Work& work) {
  const double elapsed = Seconds(Clock::now() - work.start).count();
  const std::string line =
      fmt::format("{}: {} {} in {}", work.label, work.total, work.unit, format_duration(elapsed));
  works_.pop_back();
  if (works_.empty()) console_.info(line);
}

bool ConsoleProgress::due() const {
  const auto now = Clock::now();
  const double since = Seconds(now - shown_at_).count();
  if (console_.is_terminal()) return since >= kTerminalInterval;
  const Work& outer = works_.front();
  const double interval =
      std::max(kPlainInterval, kPlainShare * Seconds(now - outer.start).count());
  const bool tenth = (outer.done - shown_done_) * 10 >= outer.total;
  return since >= interval || (tenth && since >= kPlainShortest);
}

void ConsoleProgress::show() {
  shown_at_ = Clock::now();
  shown_done_ = works_.front().done;
  std::string line;
  for (const Work& work : works_)
    line.append(line.empty() ? "" : " | ").append(describe(work, shown_at_));
  if (!console_.is_terminal()) return console_.info(line);
  console_.status(bar(share(works_.front().done, works_.front().total)) + line);
}

std::string ConsoleProgress::describe(const Work& work, Clock::time_point now) {
  std::string text = fmt::format("{} {}/{} {} ({:.0f} %)", work.label, work.done, work.total,
                                 work.unit, 100.0 * share(work.done, work.total));
  const double elapsed = Seconds(now - work.timed_since).count();
  const double rate = static_cast<double>(work.done - work.timed_from) / std::max(elapsed, 1e-9);
  if (!(rate > 0.0)) return text;
  const double left = static_cast<double>(work.total - work.done) / rate;
  return text +
         fmt::format(", {:.{}f}/s, {} left", rate, rate < 10.0 ? 2 : 0, format_duration(left));
}

}  // namespace bhroute::cli
