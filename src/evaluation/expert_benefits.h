#pragma once
// What an expert near the budget is worth in each layer, measured by forward passes, and how that
// depends on its probability.

#include <map>
#include <optional>
#include <span>

namespace bhroute::evaluation {

/// What the expert of one rank is worth in one layer: loss without it minus loss with it, nats.
struct MeasuredBenefit {
  double mean = 0.0, error = 0.0;  ///< over tokens; its standard error, from windows
  double mean_log_prob = 0.0;      ///< of that expert
  std::optional<double> slope;     ///< per nat of log_prob, where it was measured
};

/// `fewer`, `more`: losses of the same tokens without and with the expert, in order of windows of
/// `window` tokens; `log_probs`: of it. The error is 0 with fewer than two windows.
MeasuredBenefit measure_benefit(std::span<const float> fewer, std::span<const float> more,
                                std::span<const double> log_probs, std::size_t window);

/// The slope from a third pass, in which the tokens whose log_prob exceeds `middle` have the expert
/// and the others have not. What a token's expert is worth shows in later tokens too, so it is the
/// sums over all losses that count. 0 where all tokens are on one side.
double measure_slope(std::span<const float> fewer, std::span<const float> more,
                     std::span<const float> upper, std::span<const double> log_probs,
                     double middle);

/// Predicted benefit = intercept + slope * log_prob of the expert.
struct Line {
  double intercept = 0.0, slope = 0.0;
};
/// By layer, then rank.
using MeasuredBenefits = std::map<int, std::map<std::size_t, MeasuredBenefit>>;
using LayerBenefits = std::map<int, std::map<std::size_t, Line>>;

/// Where the slope was measured, the line as measured. Elsewhere the mean is drawn towards that of
/// the other such layers at its rank as far as its error exceeds what sets them apart (empirical
/// Bayes; Efron & Morris 1973, JASA 68, 117-130), and the slope is in proportion to the
/// probability: d mean / d log p = mean, or 0 if that is negative.
LayerBenefits predict_benefits(const MeasuredBenefits& measured);

}  // namespace bhroute::evaluation
