#include "verdict_static_curve.h"

#include <algorithm>

namespace bhroute::evaluation {
namespace {

// Means of counts are read back from decimals: a point a rounding below the first is still the
// first.
constexpr double kSlack = 1e-9;

std::optional<double> mix(std::optional<double> a, std::optional<double> b, double share_of_b) {
  if (!a || !b) return std::nullopt;
  return (1.0 - share_of_b) * *a + share_of_b * *b;
}

CurvePoint between(const CurvePoint& a, const CurvePoint& b, double mean_experts) {
  const double width = b.mean_experts - a.mean_experts;
  const double share_of_b =
      width > 0 ? std::clamp((mean_experts - a.mean_experts) / width, 0.0, 1.0) : 0.0;
  return {mean_experts, *mix(a.loss, b.loss, share_of_b), mix(a.loss_se, b.loss_se, share_of_b),
          mix(a.paired_se, b.paired_se, share_of_b)};
}

std::optional<double> sum(std::optional<double> a, std::optional<double> b) {
  if (!a || !b) return std::nullopt;
  return *a + *b;
}

}  // namespace

CurvePoint curve_point(const ReportRun& run) {
  const bool is_baseline = run.role == "baseline";
  return {run.mean_experts, run.loss, run.loss_se, is_baseline ? 0.0 : run.loss_difference_se};
}

LossGap loss_gap(const CurvePoint& a, const CurvePoint& b) {
  std::optional<double> bound = sum(a.paired_se, b.paired_se);
  const std::optional<double> unpaired = sum(a.loss_se, b.loss_se);
  if (!bound || (unpaired && *unpaired < *bound)) bound = unpaired;
  return {a.loss - b.loss, bound, {}};
}

StaticCurve::StaticCurve(const ReportSweep& sweep) {
  for (const ReportRun* run : sweep.marked("static")) points_.push_back(curve_point(*run));
  if (sweep.baseline() != nullptr) points_.push_back(curve_point(*sweep.baseline()));
  std::ranges::sort(points_, {}, &CurvePoint::mean_experts);
}

std::optional<CurvePoint> StaticCurve::at(double mean_experts) const {
  if (points_.empty() || mean_experts < points_.front().mean_experts - kSlack ||
      mean_experts > points_.back().mean_experts + kSlack)
    return std::nullopt;
  auto upper = std::ranges::lower_bound(points_, mean_experts, {}, &CurvePoint::mean_experts);
  if (upper == points_.end()) --upper;
  const auto lower = upper == points_.begin() ? upper : upper - 1;
  return between(*lower, *upper, mean_experts);
}

std::optional<LossGap> StaticCurve::gap(const ReportRun& run) const {
  if (run.static_difference && run.static_interval)
    return LossGap{*run.static_difference, std::nullopt, run.static_interval};
  const std::optional<CurvePoint> fixed = at(run.mean_experts);
  if (!fixed) return std::nullopt;
  return loss_gap(curve_point(run), *fixed);
}

}  // namespace bhroute::evaluation
