#pragma once
// Exact, mergeable counting of values of the statistic.

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "bhroute/core/error.h"
#include "bhroute/stats/counted_sample.h"

namespace bhroute::calibration {

/// The grid values are counted on. Each value is counted at the smallest grid value >= itself, so a p-value made
/// from the counts is never smaller than the exact one.
enum class Resolution {
  bf16,    ///< by bit pattern: exact for bf16 values
  f16,     ///< by bit pattern: exact for f16 values
  float32  ///< multiples of 2^-12 (0.000244); beyond +-4096 the float itself
};
std::string_view to_string(Resolution resolution) noexcept;
Result<Resolution> parse_resolution(std::string_view text);
/// The smallest grid value >= z (z finite; overflow of f16/bf16 saturates to the largest finite value).
float round_up(Resolution resolution, float z) noexcept;

/// Counts values; NaN and infinities are tallied apart and never enter the sample.
class LogitCounter {
 public:
  explicit LogitCounter(Resolution resolution = Resolution::float32);
  LogitCounter(LogitCounter&&) noexcept;
  LogitCounter& operator=(LogitCounter&&) noexcept;
  ~LogitCounter();

  void add(float value) noexcept;
  void add(std::span<const float> values) noexcept;
  /// Adds the other's counts exactly. Errors: a different resolution.
  Result<void> merge(const LogitCounter& other);
  std::uint64_t size() const noexcept;            ///< finite values counted
  std::uint64_t num_not_finite() const noexcept;  ///< left out
  /// Errors: nothing was counted.
  Result<stats::CountedSample> sample() const;

 private:
  struct Pages;
  std::unique_ptr<Pages> pages_;
};

}  // namespace bhroute::calibration
