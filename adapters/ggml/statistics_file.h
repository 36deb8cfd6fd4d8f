#pragma once
// A file that always holds the line of what was routed, also while the host is idle. The host's
// threads only leave word that something changed; a thread of our own, started at the first change,
// writes.

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

namespace bhroute::ggml {

class StatisticsFile {
 public:
  static constexpr auto kWriteEvery = std::chrono::milliseconds(50);

  ~StatisticsFile() { finish(); }

  /// `line` must live as long as this and may be called from another thread.
  void open(std::filesystem::path file, std::function<std::string()> line);
  /// The line has changed: it is in the file at once, or kWriteEvery after the write before.
  void touch();
  /// Writes a last time; later changes are not written.
  void finish();

 private:
  void start();
  void keep_written();
  void write() const;

  std::filesystem::path file_;
  std::function<std::string()> line_;
  std::atomic<bool> is_open_{false}, is_dirty_{false};
  std::once_flag started_;
  std::thread writer_;
  int process_ = 0;  // that has the thread: a forked child has not
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stop_ = false;
};

}  // namespace bhroute::ggml
