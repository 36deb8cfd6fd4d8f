#pragma once
// Intervals of a mean whose values come in blocks: tokens of one window depend on each other,
// windows hardly.

#include <cstddef>
#include <cstdint>
#include <span>

#include "bhroute/core/error.h"

namespace bhroute::stats {

/// A value with the bounds of its interval, all in one unit.
struct Interval {
  double estimate = 0.0;
  double low = 0.0;
  double high = 0.0;
  bool excludes_zero() const noexcept { return low > 0.0 || high < 0.0; }
};

struct BootstrapOptions {
  double confidence = 0.95;  ///< in (0, 1)
  std::size_t num_resamples = 10'000;
  std::uint64_t seed = 1;  ///< the same seed gives the same bounds on every machine
};

/// Percentile interval of the mean of `values` (estimate: their plain mean) from resampled whole
/// blocks: Efron & Tibshirani (1993), An Introduction to the Bootstrap, sections 13.3 and 8.6, with
/// the windows as given blocks. `block_sizes` are the lengths of consecutive blocks; an empty block
/// counts as one that adds nothing. For paired runs pass the differences of their losses. Takes
/// num_resamples * (number of blocks) steps. Errors: no values; fewer than 2 blocks; blocks that do
/// not add up to the values; a confidence outside (0, 1); no resamples.
Result<Interval> block_bootstrap_mean(std::span<const double> values,
                                      std::span<const std::size_t> block_sizes,
                                      const BootstrapOptions& options = {});

/// The same of a[i] - b[i]. Errors as above, and: different lengths.
Result<Interval> block_bootstrap_difference(std::span<const double> a, std::span<const double> b,
                                            std::span<const std::size_t> block_sizes,
                                            const BootstrapOptions& options = {});

}  // namespace bhroute::stats
