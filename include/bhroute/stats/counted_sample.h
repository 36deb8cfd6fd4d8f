#pragma once
// An empirical distribution as distinct values with counts, and its right-tail p-values.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bhroute/core/error.h"

namespace bhroute::stats {

/// How counts become a p-value.
enum class PValueForm {
  conformal,  ///< (1 + #{calibration >= z}) / (n + 1), never 0 (Bates et al. 2023, eq. 3)
  gridded     ///< 1 - F(z), F the empirical or smoothed CDF; may reach 0
};
std::string_view to_string(PValueForm form) noexcept;
Result<PValueForm> parse_p_value_form(std::string_view text);

/// Values strictly rising, each with its count >= 1. Queries cost O(log distinct values).
class CountedSample {
 public:
  /// Errors: empty, unequal lengths, a value that is not finite, values not strictly rising, a count of 0,
  /// or counts whose sum overflows 64 bits.
  static Result<CountedSample> create(std::vector<float> values, std::vector<std::uint64_t> counts,
                                      std::string where = "counts");

  std::uint64_t size() const noexcept { return suffix_.front(); }  ///< n, counted with multiplicity
  /// #{calibration >= z}; NaN gives n (a NaN is never significant).
  std::uint64_t count_at_least(double z) const noexcept;
  /// (1 + #{>= z}) / (n + 1).
  double conformal_p_value(double z) const noexcept;
  /// 1 - #{<= z} / n; NaN gives 1.
  double gridded_p_value(double z) const noexcept;

  std::span<const float> values() const noexcept { return values_; }
  std::vector<std::uint64_t> counts() const;
  std::uint64_t count(std::size_t index) const noexcept { return suffix_[index] - suffix_[index + 1]; }
  /// #{calibration >= values()[index]}; 0 for index = values().size().
  std::uint64_t count_from(std::size_t index) const noexcept { return suffix_[index]; }
  /// Counts added value by value: exactly the sample of both together. The caller promises that the sum of the
  /// two sizes fits 64 bits.
  static CountedSample merge(const CountedSample& a, const CountedSample& b);

 private:
  CountedSample(std::vector<float> values, std::vector<std::uint64_t> suffix)
      : values_(std::move(values)), suffix_(std::move(suffix)) {}
  std::vector<float> values_;
  std::vector<std::uint64_t> suffix_;  // suffix_[i] = #{calibration >= values_[i]}, one 0 at the end
};

}  // namespace bhroute::stats
