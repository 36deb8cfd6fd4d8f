#include "bhroute/stats/benjamini_hochberg.h"

#include "critical_value.h"

namespace bhroute::stats {

std::vector<double> bh_critical_values(std::size_t num_hypotheses, double alpha) {
  return step_test(BenjaminiHochberg{alpha}, num_hypotheses).critical_values;
}

StepTest step_test(const BenjaminiHochberg& procedure, std::size_t num_hypotheses) {
  return tabled(Direction::up, procedure, num_hypotheses);
}

TestResult run(const BenjaminiHochberg& procedure, std::span<const double> p_values) {
  const std::size_t n = p_values.size();
  TestResult result = run_step_test(step_test(procedure, n), p_values);
  adjust_from_last(result, [n](std::size_t k, double p) { return p / rank_share(k, n); });
  return result;
}

TestResult benjamini_hochberg(std::span<const double> p_values, double alpha) {
  return run(BenjaminiHochberg{alpha}, p_values);
}

}  // namespace bhroute::stats
