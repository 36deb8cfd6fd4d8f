#pragma once
// Loss of a fixed number of experts, between the numbers that were measured.

#include <optional>
#include <vector>

#include "report_runs.h"

namespace bhroute::evaluation {

/// Standard errors come in two forms, each perhaps absent.
struct CurvePoint {
  double mean_experts = 0.0;
  double loss = 0.0;
  std::optional<double> loss_se;
  std::optional<double>
      paired_se;  ///< of the difference to the baseline (0 for the baseline itself)
};

/// A difference of losses in nats. `se_bound` bounds its standard error from above: two runs scored
/// on the same tokens are paired, their covariance is not in results.json, and sd(X - Y) <= sd(X) +
/// sd(Y) holds whatever it is.
struct LossGap {
  double nats = 0.0;
  std::optional<double> se_bound;
  std::optional<ReportInterval>
      interval;  ///< 95 %, paired; says more than the bound where it is there
  bool beyond_noise() const {
    if (interval) return interval->below_zero() || interval->above_zero();
    return !se_bound || nats > 2 * *se_bound || nats < -2 * *se_bound;
  }
};

CurvePoint curve_point(const ReportRun& run);
/// a's loss minus b's.
LossGap loss_gap(const CurvePoint& a, const CurvePoint& b);

class StaticCurve {
 public:
  /// The runs of marking `static` and the baseline, which is the model's own fixed top_k.
  explicit StaticCurve(const ReportSweep& sweep);

  /// On the straight line between the neighbouring points; absent outside the measured range.
  std::optional<CurvePoint> at(double mean_experts) const;
  /// The run's loss minus the curve's at the same mean experts: as the results have it, else by
  /// this curve; absent where both are.
  std::optional<LossGap> gap(const ReportRun& run) const;

 private:
  std::vector<CurvePoint> points_;  // by mean_experts
};

}  // namespace bhroute::evaluation
