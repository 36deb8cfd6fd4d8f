#include "ranking.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace bhroute::stats {

TestResult ranked(std::span<const double> p_values) {
  TestResult result;
  result.p_values.assign(p_values.begin(), p_values.end());
  result.mask.assign(p_values.size(), 0);
  result.order.resize(p_values.size());
  std::iota(result.order.begin(), result.order.end(), std::size_t{0});
  std::stable_sort(result.order.begin(), result.order.end(), [&](std::size_t a, std::size_t b) {
    if (std::isnan(p_values[a])) return false;
    return std::isnan(p_values[b]) || p_values[a] < p_values[b];
  });
  return result;
}

std::vector<double> sorted_p_values(const TestResult& result) {
  std::vector<double> sorted(result.order.size());
  std::transform(result.order.begin(), result.order.end(), sorted.begin(),
                 [&](std::size_t i) { return result.p_values[i]; });
  return sorted;
}

void reject_first(TestResult& result, std::size_t num) {
  result.num_rejections = num;
  for (std::size_t k = 0; k < num; ++k) result.mask[result.order[k]] = 1;
}

TestResult run_step_test(StepTest test, std::span<const double> p_values) {
  TestResult result = ranked(p_values);
  reject_first(result, count_passing(test, sorted_p_values(result)));
  result.critical_values = std::move(test.critical_values);
  return result;
}

}  // namespace bhroute::stats
