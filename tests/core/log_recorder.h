#pragma once
// Installs a sink that keeps what the library says, for as long as the object lives.

#include <mutex>
#include <string>
#include <vector>

#include "bhroute/core/log.h"

namespace bhroute::testing {

class LogRecorder {
 public:
  LogRecorder() {
    set_log_sink([this](Severity severity, std::string_view message) {
      std::lock_guard lock(mutex_);
      (severity == Severity::warning ? warnings : infos).emplace_back(message);
    });
  }
  LogRecorder(const LogRecorder&) = delete;
  LogRecorder& operator=(const LogRecorder&) = delete;
  ~LogRecorder() { set_log_sink({}); }

  std::vector<std::string> infos, warnings;

 private:
  std::mutex mutex_;
};

}  // namespace bhroute::testing
