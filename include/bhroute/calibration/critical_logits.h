#pragma once
// Critical logits: BH's critical values carried over to the scale of the statistic, once per (layer, alpha).

#include <cstddef>
#include <span>
#include <vector>

#include "bhroute/calibration/calibration_table.h"

namespace bhroute::calibration {

/// z_k = the smallest float whose p-value is <= critical_values[k-1], found by bisection over all floats
/// (-inf and +inf included) against NullDistribution::p_value; NaN where no float passes. So for every float s:
/// s >= z_k exactly when p(s) <= c_k. Non-increasing in k.
std::vector<float> critical_logits(const NullDistribution& null, std::span<const double> critical_values);

/// One row for a pooled layer, one per expert otherwise: row-major [groups, critical_values.size()].
std::vector<float> critical_logits(const LayerNull& layer, std::span<const double> critical_values);

}  // namespace bhroute::calibration
