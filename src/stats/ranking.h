#pragma once
// What every procedure does before and after it decides: sort, and mark the first ranks.

#include <span>
#include <vector>

#include "bhroute/stats/step_test.h"
#include "bhroute/stats/test_result.h"

namespace bhroute::stats {

/// k/N. statsmodels divides first and multiplies then, and exact boundaries depend on it.
inline double rank_share(std::size_t rank, std::size_t num_hypotheses) noexcept {
  return static_cast<double>(rank) / static_cast<double>(num_hypotheses);
}
/// A result with the p-values and their order; NaN last, equal ones in the order given.
TestResult ranked(std::span<const double> p_values);
std::vector<double> sorted_p_values(const TestResult& result);
/// Marks the first `num` of the order.
void reject_first(TestResult& result, std::size_t num);
/// adjusted[order[k-1]] = the running minimum, from the last rank to the first, of raw(k, p_(k)),
/// at most 1.
template <class Raw>
void adjust_from_last(TestResult& result, Raw raw);
/// A procedure with fixed critical values up to its adjusted p-values.
TestResult run_step_test(StepTest test, std::span<const double> p_values);

template <class Raw>
void adjust_from_last(TestResult& result, Raw raw) {
  result.adjusted_p_values = result.p_values;  // keeps the NaNs
  double smallest = 1.0;
  for (std::size_t rank = result.order.size(); rank > 0; --rank) {
    const double p = result.p_values[result.order[rank - 1]];
    if (p != p) continue;
    const double value = raw(rank, p);
    if (value < smallest) smallest = value;
    result.adjusted_p_values[result.order[rank - 1]] = smallest;
  }
}

}  // namespace bhroute::stats
