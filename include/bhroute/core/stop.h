#pragma once
// How long work is asked to end early: a signal handler sets one flag, the work looks at it between
// its steps.

#include "bhroute/core/error.h"

namespace bhroute {

/// Asks all work of this process to stop at its next safe point. Async-signal-safe, and for every
/// thread.
void request_stop() noexcept;
/// Takes the request back, for a program of yours that goes on afterwards: ours ends.
void clear_stop() noexcept;
bool stop_requested() noexcept;

/// Errors (stopped): a stop was asked for. What is on the disk is whole; what was under way is
/// given up.
Result<void> check_stop();

}  // namespace bhroute
