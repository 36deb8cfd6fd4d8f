#pragma once
// Step-ups that first estimate from the p-values how many hypotheses are true: no fixed critical values.

#include <span>

#include "bhroute/stats/test_result.h"

namespace bhroute::stats {

/// BH at alpha/pi0 among p <= lambda, pi0 = (1 + #{p > lambda})/((1 - lambda)*N), not cut off at 1. 0 < lambda < 1.
/// Adjusted: min over later ranks of pi0*p_(j)*N/j, 1 where p > lambda.
/// Storey (2002), A direct approach to false discovery rates, J. R. Stat. Soc. B 64(3), 479-498,
/// doi:10.1111/1467-9868.00346; in the form with the 1 and the cut at lambda that controls FDR for finitely many p:
/// Storey, Taylor & Siegmund (2004), Strong control, conservative point estimation and simultaneous conservative
/// consistency of false discovery rates, J. R. Stat. Soc. B 66(1), 187-205, eqs. (6)-(8), theorem 3,
/// doi:10.1111/j.1467-9868.2004.00439.x.
struct Storey {
  double alpha = 0.05;
  double lambda = 0.5;
};
TestResult run(const Storey& procedure, std::span<const double> p_values);

/// The two-stage step-up: BH at alpha' = alpha/(1 + alpha) rejects r_1; then BH at alpha'*N/(N - r_1), unless r_1 is
/// 0 or N. statsmodels' fdr_tsbky (not fdr_tsbh, which leaves out the 1 + alpha). Adjusted p-values as there: they
/// hold for this alpha only.
/// Benjamini, Krieger & Yekutieli (2006), Adaptive linear step-up procedures that control the false discovery rate,
/// Biometrika 93(3), 491-507, definition 6, doi:10.1093/biomet/93.3.491.
struct TwoStage {
  double alpha = 0.05;
};
TestResult run(const TwoStage& procedure, std::span<const double> p_values);

}  // namespace bhroute::stats
