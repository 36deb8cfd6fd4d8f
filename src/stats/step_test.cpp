#include "bhroute/stats/step_test.h"

#include <algorithm>

namespace bhroute::stats {

std::size_t step_up(std::span<const double> sorted_p,
                    std::span<const double> critical_values) noexcept {
  std::size_t k = std::min(sorted_p.size(), critical_values.size());
  while (k > 0 && !(sorted_p[k - 1] <= critical_values[k - 1])) --k;
  return k;
}

std::size_t step_down(std::span<const double> sorted_p,
                      std::span<const double> critical_values) noexcept {
  const std::size_t n = std::min(sorted_p.size(), critical_values.size());
  std::size_t k = 0;
  while (k < n && sorted_p[k] <= critical_values[k]) ++k;
  return k;
}

std::size_t count_passing(const StepTest& test, std::span<const double> sorted_p) noexcept {
  return test.direction == Direction::up ? step_up(sorted_p, test.critical_values)
                                         : step_down(sorted_p, test.critical_values);
}

}  // namespace bhroute::stats
