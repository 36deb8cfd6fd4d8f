#pragma once
// Procedures that bound the chance of any false rejection, and the plain fixed level.

#include <cstddef>
#include <span>

#include "bhroute/stats/step_test.h"
#include "bhroute/stats/test_result.h"

namespace bhroute::stats {

/// p <= alpha/N, under any dependence.
/// Dunn (1961), Multiple Comparisons among Means, J. Am. Stat. Assoc. 56(293), 52-64,
/// doi:10.1080/01621459.1961.10482090.
struct Bonferroni {
  double alpha = 0.05;
};
StepTest step_test(const Bonferroni& procedure, std::size_t num_hypotheses);
TestResult run(const Bonferroni& procedure, std::span<const double> p_values);

/// Step-down with c_k = alpha/(N - k + 1), under any dependence.
/// Holm (1979), A Simple Sequentially Rejective Multiple Test Procedure, Scand. J. Statist. 6(2), 65-70, section 2,
/// https://www.jstor.org/stable/4615733 (it has no DOI).
struct Holm {
  double alpha = 0.05;
};
StepTest step_test(const Holm& procedure, std::size_t num_hypotheses);
TestResult run(const Holm& procedure, std::span<const double> p_values);

/// Step-up with Holm's critical values, for independent or positively dependent p-values.
/// Hochberg (1988), A sharper Bonferroni procedure for multiple tests of significance, Biometrika 75(4), 800-802,
/// section 2, doi:10.1093/biomet/75.4.800.
struct Hochberg {
  double alpha = 0.05;
};
StepTest step_test(const Hochberg& procedure, std::size_t num_hypotheses);
TestResult run(const Hochberg& procedure, std::span<const double> p_values);

/// p <= alpha, each hypothesis for itself: no correction.
/// Neyman & Pearson (1933), On the Problem of the Most Efficient Tests of Statistical Hypotheses, Phil. Trans. R.
/// Soc. A 231, 289-337, doi:10.1098/rsta.1933.0009.
struct FixedLevel {
  double alpha = 0.05;
};
StepTest step_test(const FixedLevel& procedure, std::size_t num_hypotheses);
TestResult run(const FixedLevel& procedure, std::span<const double> p_values);

}  // namespace bhroute::stats
