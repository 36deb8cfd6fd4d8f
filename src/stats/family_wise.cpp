#include "bhroute/stats/family_wise.h"

#include <algorithm>
#include <cmath>

#include "critical_value.h"

namespace bhroute::stats {
namespace {

/// Each p-value adjusted for itself.
template <class Adjusted>
void adjust_each(TestResult& result, Adjusted adjusted) {
  for (double p : result.p_values)
    result.adjusted_p_values.push_back(std::isnan(p) ? p : std::min(1.0, adjusted(p)));
}

}  // namespace

StepTest step_test(const Bonferroni& procedure, std::size_t num_hypotheses) {
  return tabled(Direction::up, procedure, num_hypotheses);
}

TestResult run(const Bonferroni& procedure, std::span<const double> p_values) {
  TestResult result = run_step_test(step_test(procedure, p_values.size()), p_values);
  const auto n = static_cast<double>(p_values.size());
  adjust_each(result, [n](double p) { return p * n; });
  return result;
}

StepTest step_test(const Holm& procedure, std::size_t num_hypotheses) {
  return tabled(Direction::down, procedure, num_hypotheses);
}

TestResult run(const Holm& procedure, std::span<const double> p_values) {
  TestResult result = run_step_test(step_test(procedure, p_values.size()), p_values);
  result.adjusted_p_values = result.p_values;
  double largest = 0.0;
  for (std::size_t k = 0; k < result.order.size(); ++k) {
    double& adjusted = result.adjusted_p_values[result.order[k]];
    if (std::isnan(adjusted)) continue;
    largest = std::max(largest, adjusted * static_cast<double>(result.order.size() - k));
    adjusted = std::min(1.0, largest);
  }
  return result;
}

StepTest step_test(const Hochberg& procedure, std::size_t num_hypotheses) {
  return tabled(Direction::up, procedure, num_hypotheses);
}

TestResult run(const Hochberg& procedure, std::span<const double> p_values) {
  TestResult result = run_step_test(step_test(procedure, p_values.size()), p_values);
  const std::size_t n = p_values.size();
  adjust_from_last(result,
                   [n](std::size_t k, double p) { return static_cast<double>(n - k + 1) * p; });
  return result;
}

StepTest step_test(const FixedLevel& procedure, std::size_t num_hypotheses) {
  return tabled(Direction::up, procedure, num_hypotheses);
}

TestResult run(const FixedLevel& procedure, std::span<const double> p_values) {
  TestResult result = run_step_test(step_test(procedure, p_values.size()), p_values);
  adjust_each(result, [](double p) { return p; });
  return result;
}

}  // namespace bhroute::stats
