#pragma once
// False discovery rate under any dependence between the p-values.

#include <cstddef>
#include <span>

#include "bhroute/stats/step_test.h"
#include "bhroute/stats/test_result.h"

namespace bhroute::stats {

/// Step-up with c_k = (k/N)/(1 + 1/2 + ... + 1/N) * alpha.
/// Benjamini & Yekutieli (2001), The control of the false discovery rate in multiple testing under dependency,
/// Ann. Statist. 29(4), 1165-1188, theorem 1.3, doi:10.1214/aos/1013699998.
struct BenjaminiYekutieli {
  double alpha = 0.05;
};
StepTest step_test(const BenjaminiYekutieli& procedure, std::size_t num_hypotheses);
TestResult run(const BenjaminiYekutieli& procedure, std::span<const double> p_values);

/// e-BH on e-values e = kappa * p^(kappa - 1): reject the largest k with e_[k] >= N/(k*alpha), e falling. In p:
/// a step-up with c_k = (kappa*k*alpha/N)^(1/(1 - kappa)). 0 < kappa < 1.
/// Wang & Ramdas (2022), False discovery rate control with e-values, J. R. Stat. Soc. B 84(3), 822-852, section 4,
/// doi:10.1111/rssb.12489. The calibrator: Vovk & Wang (2021), E-values: Calibration, combination and applications,
/// Ann. Statist. 49(3), 1736-1754, eq. (1), doi:10.1214/20-AOS2020.
struct EBenjaminiHochberg {
  double alpha = 0.05;
  double kappa = 0.5;
};
/// The calibrated e-value of p; infinite at p = 0.
double e_value(const EBenjaminiHochberg& procedure, double p) noexcept;
StepTest step_test(const EBenjaminiHochberg& procedure, std::size_t num_hypotheses);
TestResult run(const EBenjaminiHochberg& procedure, std::span<const double> p_values);

}  // namespace bhroute::stats
