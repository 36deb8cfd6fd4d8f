#include "stop_signals.h"

#include <signal.h>

#include "bhroute/core/stop.h"

namespace bhroute::cli {
namespace {

constexpr int kSignals[] = {SIGINT, SIGTERM};
volatile sig_atomic_t arrived = 0;

void on_signal(int signal);

/// Where ours is in place. Only calls that a signal's handler may make.
void restore_defaults() {
  struct sigaction action {};
  action.sa_handler = SIG_DFL;
  for (int signal : kSignals) {
    struct sigaction now {};
    ::sigaction(signal, nullptr, &now);
    if (now.sa_handler == &on_signal) ::sigaction(signal, &action, nullptr);
  }
}

/// The next signal of either kind meets the default: it kills.
void on_signal(int signal) {
  restore_defaults();
  arrived = signal;
  request_stop();
}

}  // namespace

StopSignals::StopSignals() {
  struct sigaction action {};
  action.sa_handler = &on_signal;
  action.sa_flags = SA_RESTART;
  for (int signal : kSignals) {
    struct sigaction before {};
    ::sigaction(signal, nullptr, &before);
    if (before.sa_handler != SIG_IGN) ::sigaction(signal, &action, nullptr);  // nohup stays nohup
  }
}

StopSignals::~StopSignals() { restore_defaults(); }

int stop_signal() noexcept { return arrived; }

std::string signal_name(int signal) {
  return signal == SIGINT ? "SIGINT" : signal == SIGTERM ? "SIGTERM" : std::to_string(signal);
}

}  // namespace bhroute::cli
