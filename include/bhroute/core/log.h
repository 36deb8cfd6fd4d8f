#pragma once
// The library's only voice. The default sink drops everything; an application installs its own.

#include <functional>
#include <string_view>

namespace bhroute {

enum class Severity { info, warning };
using LogSink = std::function<void(Severity, std::string_view message)>;

/// Installs `sink` for the whole process (thread-safe); an empty function restores the silent default.
void set_log_sink(LogSink sink);

void log_info(std::string_view message);
void log_warning(std::string_view message);
/// Warns the first time `key` is seen in this process and stays silent after that.
void log_warning_once(std::string_view key, std::string_view message);

}  // namespace bhroute
