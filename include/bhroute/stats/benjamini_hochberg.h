#pragma once
// The Benjamini-Hochberg step-up procedure.

#include <cstddef>
#include <span>
#include <vector>

#include "bhroute/stats/step_test.h"
#include "bhroute/stats/test_result.h"

namespace bhroute::stats {

/// FDR <= alpha for independent or positively dependent (PRDS) p-values.
/// Benjamini & Hochberg (1995), Controlling the False Discovery Rate, J. R. Stat. Soc. B 57(1), 289-300, eq. (1),
/// doi:10.1111/j.2517-6161.1995.tb02031.x.
struct BenjaminiHochberg {
  double alpha = 0.05;
};
StepTest step_test(const BenjaminiHochberg& procedure, std::size_t num_hypotheses);
TestResult run(const BenjaminiHochberg& procedure, std::span<const double> p_values);

/// c_k = (k/N)*alpha, k = 1..N, as statsmodels' multipletests computes them: exact at boundaries.
std::vector<double> bh_critical_values(std::size_t num_hypotheses, double alpha);

/// run(BenjaminiHochberg{alpha}, p_values); 0 < alpha < 1 is the caller's promise.
TestResult benjamini_hochberg(std::span<const double> p_values, double alpha);

}  // namespace bhroute::stats
