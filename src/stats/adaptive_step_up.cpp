#include "bhroute/stats/adaptive_step_up.h"

#include <algorithm>

#include "critical_value.h"

namespace bhroute::stats {

TestResult run(const Storey& procedure, std::span<const double> p_values) {
  const std::size_t n = p_values.size();
  const double share = n == 0 ? 1.0 : share_of_true(procedure, p_values);
  StepTest test{Direction::up, std::vector<double>(n)};
  const auto critical = critical_value(procedure, n, share);
  for (std::size_t k = 1; k <= n; ++k) test.critical_values[k - 1] = critical(k);
  TestResult result = run_step_test(std::move(test), p_values);
  adjust_from_last(result, [&](std::size_t k, double p) {
    return p > procedure.lambda ? 1.0 : p / rank_share(k, n) * share;
  });
  return result;
}

TestResult run(const TwoStage& procedure, std::span<const double> p_values) {
  const std::size_t n = p_values.size();
  TestResult result = run(first_stage(procedure), p_values);
  const std::size_t rejected = result.num_rejections;
  double share_left = 1.0;
  if (rejected > 0 && rejected < n) {
    result = run(second_stage(procedure, n, rejected), p_values);
    share_left = static_cast<double>(n - rejected) / static_cast<double>(n);
  }
  for (double& p : result.adjusted_p_values)
    p = p != p ? p : std::min(1.0, p * share_left * (1.0 + procedure.alpha));
  return result;
}

}  // namespace bhroute::stats
