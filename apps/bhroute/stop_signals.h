#pragma once
// SIGINT and SIGTERM ask the work to stop at its next safe point; a second one ends the process at
// once.

#include <string>

namespace bhroute::cli {

/// Installed for as long as it lives. One at a time.
class StopSignals {
 public:
  StopSignals();
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;
};

/// The signal that asked for the stop, 0 = none has.
int stop_signal() noexcept;
/// "SIGINT", "SIGTERM"
std::string signal_name(int signal);

}  // namespace bhroute::cli
