#include "bhroute/core/stop.h"

#include <atomic>

namespace bhroute {
namespace {

std::atomic<bool> requested{false};
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler may not wait");

}  // namespace

void request_stop() noexcept { requested.store(true, std::memory_order_relaxed); }
void clear_stop() noexcept { requested.store(false, std::memory_order_relaxed); }
bool stop_requested() noexcept { return requested.load(std::memory_order_relaxed); }

Result<void> check_stop() {
  if (!stop_requested()) return {};
  return tl::make_unexpected(
      Error{ErrorKind::stopped, "stop", "asked for before the work was done", "", ""});
}

}  // namespace bhroute
