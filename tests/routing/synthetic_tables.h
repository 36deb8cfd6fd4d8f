#pragma once
// Calibration tables made of drawn numbers, small enough to build in every test.

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <random>
#include <string_view>
#include <vector>

#include "bhroute/calibration/calibration_table.h"
#include "bhroute/routing/policy.h"

namespace bhroute::testing {

enum class NullShape { conformal, gridded, per_expert };

inline std::string_view name(NullShape shape) {
  constexpr std::string_view names[] = {"conformal", "gridded", "per_expert"};
  return names[static_cast<int>(shape)];
}

/// A conformal null of `n` standard normal numbers, shifted, on a grid coarse enough for ties.
inline calibration::NullDistribution conformal_null(std::size_t n, std::mt19937& random,
                                                    float shift = 0.0f) {
  std::normal_distribution<float> normal(shift);
  std::map<float, std::uint64_t> counted;
  for (std::size_t i = 0; i < n; ++i) ++counted[std::round(normal(random) * 256.0f) / 256.0f];
  std::vector<float> values;
  std::vector<std::uint64_t> counts;
  for (const auto& [value, count] : counted) {
    values.push_back(value);
    counts.push_back(count);
  }
  return calibration::NullDistribution::from_counts(
      stats::CountedSample::create(std::move(values), std::move(counts)).value(),
      stats::PValueForm::conformal);
}

/// The standard normal CDF, shifted, on `points` points of [-5, 5]; its last value is 1, so p
/// saturates at 0.
inline calibration::NullDistribution gridded_null(std::size_t points, double shift = 0.0) {
  std::vector<double> x, cdf;
  for (std::size_t i = 0; i < points; ++i) {
    const double z = -5.0 + 10.0 * static_cast<double>(i) / static_cast<double>(points - 1);
    x.push_back(z + shift);
    cdf.push_back(i + 1 == points ? 1.0 : 0.5 * std::erfc(-z / std::sqrt(2.0)));
  }
  return calibration::NullDistribution::from_grid(
      stats::GriddedCdf::create(std::move(x), std::move(cdf)).value());
}

/// Layer 0 only. Per-expert nulls differ in form, place and number of ties.
inline std::shared_ptr<const calibration::CalibrationTable> make_table(
    NullShape shape, std::size_t num_experts,
    calibration::Statistic statistic = calibration::Statistic::logit,
    std::size_t conformal_size = 60000) {
  std::mt19937 random(static_cast<unsigned>(num_experts));
  calibration::CalibrationTable table;
  table.metadata.num_experts = num_experts;
  table.metadata.statistic = statistic;
  calibration::LayerNull layer;
  if (shape == NullShape::conformal) layer.groups.push_back(conformal_null(conformal_size, random));
  if (shape == NullShape::gridded) layer.groups.push_back(gridded_null(1000));
  if (shape == NullShape::per_expert) {
    table.metadata.pooling = calibration::Pooling::per_expert;
    table.metadata.form = stats::PValueForm::gridded;
    for (std::size_t i = 0; i < num_experts; ++i)
      layer.groups.push_back(gridded_null(20 + i % 7, 0.1 * static_cast<double>(i % 5)));
  }
  if (shape == NullShape::gridded) table.metadata.form = stats::PValueForm::gridded;
  table.layers.emplace(0, std::move(layer));
  return std::make_shared<const calibration::CalibrationTable>(std::move(table));
}

inline routing::RouterFacts facts(std::size_t num_experts) {
  return {.num_experts = num_experts,
          .top_k = std::min<std::size_t>(8, num_experts),
          .normalizes_weights = false};
}

inline LogitsView view(const std::vector<float>& logits, std::size_t num_experts) {
  return {logits.data(), logits.size() / num_experts, num_experts, num_experts};
}

}  // namespace bhroute::testing
