#include "console.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

namespace bhroute::cli {
namespace {

std::string_view variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// A dumb terminal cannot take a line back.
bool stderr_is_terminal() {
  return ::isatty(STDERR_FILENO) == 1 && !variable("TERM").empty() && variable("TERM") != "dumb";
}

std::size_t width_of(int descriptor) {
  winsize size{};
  const bool known = ::ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : 80;
}

void write(std::FILE* stream, std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stream);
}

// A message of several lines (from a library below) stays one line.
std::string one_line(std::string_view text) {
  std::string line(text);
  for (char& c : line)
    if (c == '\n' || c == '\r') c = ' ';
  return line;
}

}  // namespace

// https://no-color.org: set to anything but "", no colours.
Console::Console()
    : is_terminal_(stderr_is_terminal()),
      has_colours_(is_terminal_ && variable("NO_COLOR").empty()) {}

std::size_t Console::width() const noexcept { return width_of(STDERR_FILENO); }
std::size_t Console::out_width() const noexcept { return width_of(STDOUT_FILENO); }

void Console::out(std::string_view text) {
  std::lock_guard lock(mutex_);
  if (aside != nullptr) {
    write(aside, text);
    std::fflush(aside);
    return;
  }
  clear_status();
  write(stdout, text);
}

void Console::info(std::string_view line) {
  if (!quiet) print(line);
}

void Console::warning(std::string_view line) {
  print(painted("bhroute: warning:", fmt::terminal_color::yellow) + " " + one_line(line));
}

void Console::error(const Error& error) {
  print(painted("bhroute:", fmt::terminal_color::red) + " " + one_line(to_string(error)));
}

void Console::stopped(std::string_view by) {
  print(painted("bhroute:", fmt::terminal_color::yellow) + " stopped by " + one_line(by));
}

std::string Console::painted(std::string_view text, fmt::terminal_color colour) const {
  if (!has_colours_) return std::string(text);
  return fmt::format(fg(colour) | fmt::emphasis::bold, "{}", text);
}

void Console::status(std::string_view line) {
  std::lock_guard lock(mutex_);
  if (line.empty() || !is_terminal_) return clear_status();
  write(stderr, "\r\x1b[K");
  write(stderr, line.substr(0, width() - 1));
  std::fflush(stderr);
  has_status_ = true;
}

bool Console::flush_out() { return std::fflush(stdout) == 0 && std::ferror(stdout) == 0; }

void Console::print(std::string_view line) {
  std::lock_guard lock(mutex_);
  clear_status();
  std::fflush(stdout);  // keeps the order of the two streams where they end in one place
  write(stderr, std::string(line) + "\n");
}

void Console::clear_status() {
  if (!has_status_) return;
  write(stderr, "\r\x1b[K");
  std::fflush(stderr);
  has_status_ = false;
}

void install_log_sink(Console& console) {
  set_log_sink([&console](Severity severity, std::string_view message) {
    if (severity == Severity::warning) return console.warning(message);
    console.info(message);
  });
}

}  // namespace bhroute::cli
