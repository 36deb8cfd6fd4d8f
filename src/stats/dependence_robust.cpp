#include "bhroute/stats/dependence_robust.h"

#include <cmath>

#include "ranking.h"

namespace bhroute::stats {
namespace {

/// The sum of 1/k for k = first..last, added in numpy's order (pairwise, in blocks of 8 up to 128):
/// BY's boundaries depend on its last bit, and statsmodels sums so.
double harmonic(std::size_t first, std::size_t last) {
  const auto term = [](std::size_t k) { return 1.0 / static_cast<double>(k); };
  const std::size_t n = last - first + 1;
  if (n > 128) {
    const std::size_t half = n / 2 - n / 2 % 8;
    return harmonic(first, first + half - 1) + harmonic(first + half, last);
  }
  double sum = 0.0;
  std::size_t next = first;
  if (n >= 8) {
    double lane[8] = {};
    for (; next + 8 <= last + 1; next += 8)
      for (std::size_t i = 0; i < 8; ++i) lane[i] += term(next + i);
    sum = ((lane[0] + lane[1]) + (lane[2] + lane[3])) + ((lane[4] + lane[5]) + (lane[6] + lane[7]));
  }
  for (; next <= last; ++next) sum += term(next);
  return sum;
}

/// x^(1/(1 - kappa)); exactly the square for kappa = 1/2.
double uncalibrated(double x, double kappa) {
  return kappa == 0.5 ? x * x : std::pow(x, 1.0 / (1.0 - kappa));
}

}  // namespace

StepTest step_test(const BenjaminiYekutieli& procedure, std::size_t num_hypotheses) {
  StepTest test;
  if (num_hypotheses == 0) return test;
  const double sum = harmonic(1, num_hypotheses);
  for (std::size_t k = 1; k <= num_hypotheses; ++k)
    test.critical_values.push_back(rank_share(k, num_hypotheses) / sum * procedure.alpha);
  return test;
}

TestResult run(const BenjaminiYekutieli& procedure, std::span<const double> p_values) {
  const std::size_t n = p_values.size();
  TestResult result = run_step_test(step_test(procedure, n), p_values);
  const double sum = n == 0 ? 1.0 : harmonic(1, n);
  adjust_from_last(result,
                   [n, sum](std::size_t k, double p) { return p / (rank_share(k, n) / sum); });
  return result;
}

double e_value(const EBenjaminiHochberg& procedure, double p) noexcept {
  return procedure.kappa == 0.5 ? 0.5 / std::sqrt(p)
                                : procedure.kappa * std::pow(p, procedure.kappa - 1.0);
}

StepTest step_test(const EBenjaminiHochberg& procedure, std::size_t num_hypotheses) {
  StepTest test;
  for (std::size_t k = 1; k <= num_hypotheses; ++k)
    test.critical_values.push_back(uncalibrated(
        procedure.kappa * (rank_share(k, num_hypotheses) * procedure.alpha), procedure.kappa));
  return test;
}

TestResult run(const EBenjaminiHochberg& procedure, std::span<const double> p_values) {
  const std::size_t n = p_values.size();
  TestResult result = run_step_test(step_test(procedure, n), p_values);
  for (double p : sorted_p_values(result)) result.scores.push_back(e_value(procedure, p));
  adjust_from_last(result, [&](std::size_t k, double p) {
    return 1.0 / (rank_share(k, n) * e_value(procedure, p));
  });
  return result;
}

}  // namespace bhroute::stats
