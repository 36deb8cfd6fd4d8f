#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace bhroute::stats {

/// Every intermediate value of one run of a multiple-testing procedure over N p-values. NaN p-values sort last and
/// are never rejected.
struct TestResult {
  std::vector<double> p_values;           ///< as given
  std::vector<std::size_t> order;         ///< hypotheses by rising p; equal p in the order given
  std::vector<double> critical_values;    ///< c_k at [k-1], of the last stage; empty where the procedure has none
  std::vector<double> adjusted_p_values;  ///< smallest alpha that rejects (Storey, BKY: see there), at most 1;
                                          ///< hypotheses' order; NaN where p is; empty where there are none
  std::vector<double> scores;             ///< by rank: e-values (e_bh), HC(i) (higher criticism); else empty
  std::vector<std::uint8_t> mask;         ///< 1 = rejected; hypotheses' order
  std::size_t num_rejections = 0;         ///< the first so many of `order` are rejected
};

}  // namespace bhroute::stats
