#include "bhroute/stats/adaptive_step_up.h"

#include <algorithm>

#include "bhroute/stats/benjamini_hochberg.h"
#include "ranking.h"

namespace bhroute::stats {
namespace {

/// The estimated share of true hypotheses; may exceed 1.
double share_of_true(const Storey& procedure, std::span<const double> p_values) {
  const auto above = std::count_if(p_values.begin(), p_values.end(),
                                   [&](double p) { return p > procedure.lambda; });
  return static_cast<double>(above + 1) /
         ((1.0 - procedure.lambda) * static_cast<double>(p_values.size()));
}

}  // namespace

TestResult run(const Storey& procedure, std::span<const double> p_values) {
  const std::size_t n = p_values.size();
  const double share = n == 0 ? 1.0 : share_of_true(procedure, p_values);
  StepTest test;
  for (double c : bh_critical_values(n, procedure.alpha))
    test.critical_values.push_back(std::min(procedure.lambda, c / share));
  TestResult result = run_step_test(std::move(test), p_values);
  adjust_from_last(result, [&](std::size_t k, double p) {
    return p > procedure.lambda ? 1.0 : p / rank_share(k, n) * share;
  });
  return result;
}

TestResult run(const TwoStage& procedure, std::span<const double> p_values) {
  const auto n = static_cast<double>(p_values.size());
  const double first_alpha = procedure.alpha / (1.0 + procedure.alpha);
  TestResult result = run(BenjaminiHochberg{first_alpha}, p_values);
  const auto rejected = static_cast<double>(result.num_rejections);
  double share_left = 1.0;
  if (rejected > 0.0 && rejected < n) {
    const double left = n - rejected;
    result = run(BenjaminiHochberg{first_alpha * n / left}, p_values);
    share_left = left / n;
  }
  for (double& p : result.adjusted_p_values)
    p = p != p ? p : std::min(1.0, p * share_left * (1.0 + procedure.alpha));
  return result;
}

}  // namespace bhroute::stats
