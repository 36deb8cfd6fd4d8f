#pragma once
// The Benjamini-Hochberg step-up procedure.
// Benjamini & Hochberg (1995), Controlling the False Discovery Rate, J. R. Stat. Soc. B 57(1), 289-300, eq. (1).

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace bhroute::stats {

/// Every intermediate value of one run of the procedure over N p-values.
struct StepUpResult {
  std::vector<double> p_values;           ///< as given
  std::vector<std::size_t> order;         ///< hypotheses by rising p; equal p in the order given
  std::vector<double> critical_values;    ///< c_k = (k/N)*alpha at [k-1], computed in double in that order
  std::vector<double> adjusted_p_values;  ///< min over later ranks of p_(j)*N/j, at most 1; hypotheses' order
  std::vector<std::uint8_t> mask;         ///< 1 = rejected; hypotheses' order
  std::size_t num_rejections = 0;         ///< largest k with p_(k) <= c_k, 0 if none
};

/// c_k = (k/N)*alpha, k = 1..N, as statsmodels' multipletests computes them: exact at boundaries.
std::vector<double> bh_critical_values(std::size_t num_hypotheses, double alpha);

/// Largest k with sorted_p[k-1] <= critical_values[k-1]; 0 if none. `sorted_p` rises; NaN never passes.
std::size_t step_up(std::span<const double> sorted_p, std::span<const double> critical_values) noexcept;

/// The whole procedure; 0 < alpha < 1 is the caller's promise. NaN p-values are never rejected and sort last.
StepUpResult benjamini_hochberg(std::span<const double> p_values, double alpha);

}  // namespace bhroute::stats
