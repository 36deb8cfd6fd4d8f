#pragma once
// What the procedures with fixed critical values have in common: sorted p-values against rising bounds.

#include <cstddef>
#include <span>
#include <vector>

namespace bhroute::stats {

enum class Direction {
  up,   ///< the largest rank k with p_(k) <= c_k
  down  ///< the ranks before the first with p_(k) > c_k
};

/// Critical values that do not depend on the p-values. c_1 <= ... <= c_N, so each compiles to critical logits.
struct StepTest {
  Direction direction = Direction::up;
  std::vector<double> critical_values;  ///< c_k at [k-1]
};

/// Largest k with sorted_p[k-1] <= critical_values[k-1]; 0 if none. `sorted_p` rises; NaN never passes.
std::size_t step_up(std::span<const double> sorted_p, std::span<const double> critical_values) noexcept;
/// How many ranks pass before the first that does not.
std::size_t step_down(std::span<const double> sorted_p, std::span<const double> critical_values) noexcept;
std::size_t count_passing(const StepTest& test, std::span<const double> sorted_p) noexcept;

}  // namespace bhroute::stats
