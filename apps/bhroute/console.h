#pragma once
// What a person sees: results on stdout; log lines and one line of live status on stderr.

#include <fmt/color.h>

#include <cstdio>
#include <mutex>
#include <string>
#include <string_view>

#include "bhroute/core/error.h"
#include "bhroute/core/log.h"

namespace bhroute::cli {

/// Thread-safe. The live status line and colours exist on a terminal only; the line is taken away
/// before anything else is printed.
class Console {
 public:
  Console();

  bool quiet = false;          ///< no information and no progress; warnings and errors stay
  std::FILE* aside = nullptr;  ///< takes the results of inner steps in place of stdout

  bool is_terminal() const noexcept { return is_terminal_; }
  std::size_t width() const noexcept;      ///< of the terminal at stderr, in characters
  std::size_t out_width() const noexcept;  ///< of the terminal at stdout; 80 where there is none

  void out(std::string_view text);   ///< to stdout, as it is
  void info(std::string_view line);  ///< to stderr, unless quiet
  void warning(std::string_view line);
  void error(const Error& error);
  void stopped(std::string_view by);   ///< the last line of a command that was asked to stop
  void status(std::string_view line);  ///< replaces the live status line; "" takes it away
  /// Whether all of stdout could be written (a full disk, a closed pipe).
  bool flush_out();

 private:
  void print(std::string_view line);
  std::string painted(std::string_view text, fmt::terminal_color colour) const;
  void clear_status();

  std::mutex mutex_;
  bool is_terminal_, has_colours_;
  bool has_status_ = false;
};

/// Sends the library's log to `console`, which must outlive the process's use of the library.
void install_log_sink(Console& console);

}  // namespace bhroute::cli
