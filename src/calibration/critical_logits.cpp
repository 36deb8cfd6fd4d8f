#include "bhroute/calibration/critical_logits.h"

#include <bit>
#include <cstdint>
#include <limits>
#include <numeric>

namespace bhroute::calibration {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

// Integers in the order of the floats; -0 and +0 are one.
std::int32_t ordered(float z) noexcept {
  const auto bits = std::bit_cast<std::int32_t>(z);
  return bits >= 0 ? bits : std::numeric_limits<std::int32_t>::min() - bits;
}

float from_ordered(std::int32_t key) noexcept {
  return std::bit_cast<float>(key >= 0 ? key : std::numeric_limits<std::int32_t>::min() - key);
}

// The smallest float up to `passing` whose p-value is <= c; `passing` itself is known to pass.
float smallest_passing(const NullDistribution& null, double c, float passing) {
  std::int32_t low = ordered(-kInfinity), high = ordered(passing);
  while (low < high) {
    const std::int32_t middle = std::midpoint(low, high);
    if (null.p_value(from_ordered(middle)) <= c) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return from_ordered(high);
}

}  // namespace

std::vector<float> critical_logits(const NullDistribution& null,
                                   std::span<const double> critical_values) {
  std::vector<float> result;
  result.reserve(critical_values.size());
  const double smallest_p = null.p_value(kInfinity);
  float bound = kInfinity;  // what passes at one critical value passes at every larger one
  double bound_c = -1.0;
  for (double c : critical_values) {
    if (!(smallest_p <= c)) {
      result.push_back(std::numeric_limits<float>::quiet_NaN());
      continue;
    }
    bound = smallest_passing(null, c, c >= bound_c ? bound : kInfinity);
    bound_c = c;
    result.push_back(bound);
  }
  return result;
}

std::vector<float> critical_logits(const LayerNull& layer,
                                   std::span<const double> critical_values) {
  std::vector<float> rows;
  for (const NullDistribution& group : layer.groups) {
    const auto row = critical_logits(group, critical_values);
    rows.insert(rows.end(), row.begin(), row.end());
  }
  return rows;
}

}  // namespace bhroute::calibration
