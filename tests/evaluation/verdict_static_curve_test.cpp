#include "../../src/evaluation/verdict_static_curve.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "evaluation/report_sample.h"

namespace bhroute::evaluation {
namespace {

ReportSweep sample() { return *read_report_sweep(sample_results(), "sample"); }

TEST(StaticCurve, GoesThroughItsPointsAndTheBaseline) {
  const StaticCurve curve(sample());
  for (const auto& [k, loss] : {std::pair{1.0, 7.0}, {2.0, 6.0}, {4.0, 5.0}, {8.0, 4.0}})
    EXPECT_DOUBLE_EQ(curve.at(k)->loss, loss);
}

TEST(StaticCurve, IsStraightBetweenNeighbours) {
  const StaticCurve curve(sample());
  EXPECT_DOUBLE_EQ(curve.at(1.5)->loss, 6.5);
  EXPECT_DOUBLE_EQ(curve.at(7.0)->loss, 4.25);
  EXPECT_DOUBLE_EQ(*curve.at(7.0)->paired_se, 0.25 * 0.01);  // the baseline's own is 0
}

TEST(StaticCurve, SaysNothingOutsideItsRange) {
  const StaticCurve curve(sample());
  EXPECT_FALSE(curve.at(0.9));
  EXPECT_FALSE(curve.at(8.1));
  EXPECT_TRUE(curve.at(1.0 - 1e-12));
  EXPECT_FALSE(StaticCurve(ReportSweep{}).at(1.0));
}

TEST(StaticCurve, GapIsOwnLossMinusTheCurves) {
  const ReportSweep sweep = sample();
  const auto gap = StaticCurve(sweep).gap(*sweep.grid().front());
  ASSERT_TRUE(gap);
  EXPECT_DOUBLE_EQ(gap->nats, 0.5);
  EXPECT_DOUBLE_EQ(*gap->se_bound, 0.02);
  EXPECT_TRUE(gap->beyond_noise());
}

TEST(LossGap, TakesTheSmallerOfTheBounds) {
  const CurvePoint a{1, 5.0, 0.01, 0.5}, b{1, 5.1, 0.02, 0.5};
  EXPECT_DOUBLE_EQ(*loss_gap(a, b).se_bound, 0.03);
  EXPECT_FALSE(loss_gap({1, 5.0, {}, 0.5}, b).beyond_noise());
  EXPECT_FALSE(loss_gap({1, 5.0, {}, {}}, b).se_bound);
}

RC_GTEST_PROP(StaticCurve, StaysWithinItsNeighbours, ()) {
  const double mean = 1.0 + *rc::gen::inRange(0, 7000) / 1000.0;
  const auto point = StaticCurve(sample()).at(mean);
  RC_ASSERT(point.has_value());
  RC_ASSERT(point->loss >= 4.0 && point->loss <= 7.0);
  const auto further = StaticCurve(sample()).at(std::min(8.0, mean + 0.5));
  RC_ASSERT(further->loss <= point->loss);
}

}  // namespace
}  // namespace bhroute::evaluation
