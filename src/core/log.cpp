#include "bhroute/core/log.h"

#include <mutex>
#include <set>
#include <string>

namespace bhroute {
namespace {

struct State {
  std::mutex mutex;
  LogSink sink;
  std::set<std::string, std::less<>> seen;
};

State& state() {
  static State instance;
  return instance;
}

void emit(Severity severity, std::string_view message) {
  LogSink sink;
  {
    std::lock_guard lock(state().mutex);
    sink = state().sink;
  }
  if (sink) sink(severity, message);
}

bool first_time(std::string_view key) {
  std::lock_guard lock(state().mutex);
  return state().seen.emplace(key).second;
}

}  // namespace

void set_log_sink(LogSink sink) {
  std::lock_guard lock(state().mutex);
  state().sink = std::move(sink);
}

void log_info(std::string_view message) { emit(Severity::info, message); }
void log_warning(std::string_view message) { emit(Severity::warning, message); }

void log_warning_once(std::string_view key, std::string_view message) {
  if (first_time(key)) log_warning(message);
}

}  // namespace bhroute
