#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "bhroute/stats/test_result.h"

namespace bhroute::stats {

/// Which ranks are searched for the largest HC(i).
enum class HcSearch {
  all,           ///< HC: 1..N
  below_uniform, ///< HC+: those with p_(i) < i/N
  first_share    ///< HC*: the first beta*N, rounded down, at least 1
};

/// Rejects the i smallest p-values, i the rank of the largest
///   HC(i) = sqrt(N) * (i/N - p_(i)) / sqrt(p_(i)*(1 - p_(i)))
/// among the searched ranks; of equal ones the last (as p falls to 0, HC(i) grows with i). 0/0 is 0. A NaN p is not
/// searched. No alpha, no critical values, no adjusted p-values.
/// Donoho & Jin (2004), Higher criticism for detecting sparse heterogeneous mixtures, Ann. Statist. 32(3), 962-994,
/// eq. (1.4), doi:10.1214/009053604000000265; the rank of the maximum as a selection: Donoho & Jin (2008), Higher
/// criticism thresholding, PNAS 105(39), 14790-14795, doi:10.1073/pnas.0807471105.
struct HigherCriticism {
  HcSearch search = HcSearch::all;
  double beta = 1.0;  ///< first_share: 0 < beta <= 1
};
/// HC(i) at [i-1] of rising p-values.
std::vector<double> hc_scores(std::span<const double> sorted_p);
TestResult run(const HigherCriticism& procedure, std::span<const double> p_values);

}  // namespace bhroute::stats
