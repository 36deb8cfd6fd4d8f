#pragma once
// What an expert near the budget is worth in each layer, measured by forward passes, and how that
// depends on its probability.

#include <map>
#include <span>
#include <vector>

#include "layer_shares.h"

namespace bhroute::evaluation {

/// What the expert of one rank is worth in one layer: loss without it minus loss with it, nats.
struct MeasuredBenefit {
  double mean = 0.0, error = 0.0;         ///< over tokens; its standard error, from windows
  double mean_log_prob = 0.0;             ///< of that expert
  double slope = 0.0, slope_error = 0.0;  ///< per nat of log_prob, by least squares over tokens
};

/// `fewer`, `more`: losses of the same tokens without and with the expert; `log_probs`: of it. All
/// in order of windows of `window` tokens. Errors are 0 with fewer than two windows.
MeasuredBenefit measure_benefit(std::span<const float> fewer, std::span<const float> more,
                                std::span<const double> log_probs, std::size_t window);

/// By layer, then rank.
using MeasuredBenefits = std::map<int, std::map<std::size_t, MeasuredBenefit>>;
/// Predicted benefit = intercept + slope * log_prob of the expert.
using LayerBenefits = std::map<int, std::map<std::size_t, Line>>;

/// A layer's mean benefit is drawn towards that of the other layers at its rank as far as its error
/// exceeds what sets them apart (empirical Bayes; Efron & Morris 1973, JASA 68, 117-130). Its
/// slope: in proportion to the probability, d mean / d log p = mean; but where the measured slope
/// is beyond that by more than four of its errors, the measured mean and slope as they are.
LayerBenefits predict_benefits(const MeasuredBenefits& measured);

}  // namespace bhroute::evaluation
