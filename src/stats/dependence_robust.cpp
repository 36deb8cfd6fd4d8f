#include "bhroute/stats/dependence_robust.h"

#include <array>
#include <cmath>

#include "critical_value.h"

namespace bhroute::stats {
namespace {

/// The sum of 1/k for k = first..last, pairwise, in blocks of 8 up to 128, as numpy adds.
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

}  // namespace

double harmonic_number(std::size_t num_hypotheses) {
  thread_local std::array<double, 1025> known{};  // the same few N come again and again
  if (num_hypotheses == 0) return 0.0;
  if (num_hypotheses >= known.size()) return harmonic(1, num_hypotheses);
  double& value = known[num_hypotheses];
  if (value == 0.0) value = harmonic(1, num_hypotheses);
  return value;
}

StepTest step_test(const BenjaminiYekutieli& procedure, std::size_t num_hypotheses) {
  return tabled(Direction::up, procedure, num_hypotheses);
}

TestResult run(const BenjaminiYekutieli& procedure, std::span<const double> p_values) {
  const std::size_t n = p_values.size();
  TestResult result = run_step_test(step_test(procedure, n), p_values);
  const double sum = harmonic_number(n);
  adjust_from_last(result,
                   [n, sum](std::size_t k, double p) { return p / (rank_share(k, n) / sum); });
  return result;
}

double e_value(const EBenjaminiHochberg& procedure, double p) noexcept {
  return procedure.kappa == 0.5 ? 0.5 / std::sqrt(p)
                                : procedure.kappa * std::pow(p, procedure.kappa - 1.0);
}

StepTest step_test(const EBenjaminiHochberg& procedure, std::size_t num_hypotheses) {
  return tabled(Direction::up, procedure, num_hypotheses);
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
