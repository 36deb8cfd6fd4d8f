#pragma once
// The formulas of fixed critical values, rank (1..N) -> c_k: tabled by step_test, asked one by one
// by reject.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

#include "bhroute/stats/adaptive_step_up.h"
#include "bhroute/stats/benjamini_hochberg.h"
#include "bhroute/stats/dependence_robust.h"
#include "bhroute/stats/family_wise.h"
#include "ranking.h"

namespace bhroute::stats {

/// 1 + 1/2 + ... + 1/N, added in numpy's order: BY's boundaries depend on its last bit, and
/// statsmodels sums so.
double harmonic_number(std::size_t num_hypotheses);

inline auto critical_value(const BenjaminiHochberg& procedure, std::size_t num_hypotheses) {
  return
      [=, alpha = procedure.alpha](std::size_t k) { return rank_share(k, num_hypotheses) * alpha; };
}

inline auto critical_value(const BenjaminiYekutieli& procedure, std::size_t num_hypotheses) {
  return [=, alpha = procedure.alpha, sum = harmonic_number(num_hypotheses)](std::size_t k) {
    return rank_share(k, num_hypotheses) / sum * alpha;
  };
}

/// (kappa*k*alpha/N)^(1/(1 - kappa)); exactly the square for kappa = 1/2.
inline auto critical_value(const EBenjaminiHochberg& procedure, std::size_t num_hypotheses) {
  return [=](std::size_t k) {
    const double e = procedure.kappa * (rank_share(k, num_hypotheses) * procedure.alpha);
    return procedure.kappa == 0.5 ? e * e : std::pow(e, 1.0 / (1.0 - procedure.kappa));
  };
}

inline auto critical_value(const Bonferroni& procedure, std::size_t num_hypotheses) {
  return [level = procedure.alpha / static_cast<double>(num_hypotheses)](std::size_t) {
    return level;
  };
}

inline auto critical_value(const FixedLevel& procedure, std::size_t) {
  return [level = procedure.alpha](std::size_t) { return level; };
}

/// Holm's and Hochberg's: alpha/(N - k + 1).
inline auto critical_value_by_remaining(double alpha, std::size_t num_hypotheses) {
  return [=](std::size_t k) { return alpha / static_cast<double>(num_hypotheses - k + 1); };
}

inline auto critical_value(const Holm& procedure, std::size_t num_hypotheses) {
  return critical_value_by_remaining(procedure.alpha, num_hypotheses);
}

inline auto critical_value(const Hochberg& procedure, std::size_t num_hypotheses) {
  return critical_value_by_remaining(procedure.alpha, num_hypotheses);
}

/// The estimated share of true hypotheses; may exceed 1.
inline double share_of_true(const Storey& procedure, std::span<const double> p_values) {
  const auto above = std::count_if(p_values.begin(), p_values.end(),
                                   [&](double p) { return p > procedure.lambda; });
  return static_cast<double>(above + 1) /
         ((1.0 - procedure.lambda) * static_cast<double>(p_values.size()));
}

inline auto critical_value(const Storey& procedure, std::size_t num_hypotheses, double share) {
  return [=](std::size_t k) {
    return std::min(procedure.lambda, rank_share(k, num_hypotheses) * procedure.alpha / share);
  };
}

inline BenjaminiHochberg first_stage(const TwoStage& procedure) {
  return {procedure.alpha / (1.0 + procedure.alpha)};
}

/// After 0 < rejected < N.
inline BenjaminiHochberg second_stage(const TwoStage& procedure, std::size_t num_hypotheses,
                                      std::size_t rejected) {
  return {first_stage(procedure).alpha * static_cast<double>(num_hypotheses) /
          static_cast<double>(num_hypotheses - rejected)};
}

/// All N of them.
template <class Procedure>
StepTest tabled(Direction direction, const Procedure& procedure, std::size_t num_hypotheses) {
  StepTest test{direction, std::vector<double>(num_hypotheses)};
  const auto critical = critical_value(procedure, num_hypotheses);
  for (std::size_t k = 1; k <= num_hypotheses; ++k) test.critical_values[k - 1] = critical(k);
  return test;
}

}  // namespace bhroute::stats
