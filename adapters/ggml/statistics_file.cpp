#include "ggml/statistics_file.h"

#include <unistd.h>

#include <csignal>
#include <cstdio>

#include "bhroute/core/file.h"

namespace bhroute::ggml {

void StatisticsFile::open(std::filesystem::path file, std::function<std::string()> line) {
  file_ = std::move(file);
  line_ = std::move(line);
  is_open_ = true;
}

void StatisticsFile::touch() {
  if (!is_open_) return;
  std::call_once(started_, [this] { start(); });
  if (is_dirty_.exchange(true)) return;
  std::lock_guard lock(mutex_);
  wake_.notify_one();
}

// The host's signals are for the host's threads.
void StatisticsFile::start() {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  process_ = getpid();
  writer_ = std::thread([this] { keep_written(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void StatisticsFile::keep_written() {
  std::unique_lock lock(mutex_);
  while (!stop_) {
    wake_.wait(lock, [this] { return stop_ || is_dirty_; });
    if (stop_) return;
    is_dirty_ = false;
    lock.unlock();
    write();
    lock.lock();
    wake_.wait_for(lock, kWriteEvery, [this] { return stop_; });
  }
}

void StatisticsFile::finish() {
  if (!is_open_.exchange(false)) return;
  if (writer_.joinable() && process_ != getpid()) {
    writer_.detach();
  } else if (writer_.joinable()) {
    {
      std::lock_guard lock(mutex_);
      stop_ = true;
      wake_.notify_one();
    }
    writer_.join();
  }
  write();
}

// Not by core's write_file: that waits for the disk.
void StatisticsFile::write() const {
  std::error_code problem;
  const bool is_replaced = !std::filesystem::is_other(file_, problem);  // devices and pipes stay
  const std::filesystem::path target = is_replaced ? target_of(file_) : file_;
  const std::filesystem::path partial = is_replaced ? target.string() + ".partial" : file_.string();
  std::FILE* file = std::fopen(partial.c_str(), is_replaced ? "w" : "a");
  if (file == nullptr) return;
  const std::string text = line_() + "\n";
  const bool written = std::fwrite(text.data(), 1, text.size(), file) == text.size();
  if (std::fclose(file) != 0 || !written) return;
  if (is_replaced) std::filesystem::rename(partial, target, problem);
}

}  // namespace bhroute::ggml
