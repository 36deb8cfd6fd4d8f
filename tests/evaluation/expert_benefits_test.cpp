#include "../../src/evaluation/expert_benefits.h"

#include <gtest/gtest.h>

#include <cmath>

namespace bhroute::evaluation {
namespace {

MeasuredBenefit flat(double mean, double error) { return {mean, error, -3.0, 0.0, 1.0}; }

TEST(ExpertBenefits, MeasuredByHand) {
  // Benefits 1, 3 | 2, 4 in windows of two: window means 2 and 3.
  const auto m = measure_benefit(std::vector<float>{2, 4, 3, 5}, std::vector<float>{1, 1, 1, 1},
                                 std::vector<double>{-4, -2, -3, -1}, 2);
  EXPECT_DOUBLE_EQ(m.mean, 2.5);
  EXPECT_DOUBLE_EQ(m.error, 0.5);
  EXPECT_DOUBLE_EQ(m.mean_log_prob, -2.5);
  EXPECT_DOUBLE_EQ(m.slope, 1.0);
  EXPECT_NEAR(m.slope_error, 0.0, 1e-12);
}

TEST(ExpertBenefits, OfOneWindowThereIsNoError) {
  EXPECT_EQ(measure_benefit(std::vector<float>{2, 4}, std::vector<float>{1, 1},
                            std::vector<double>{-4, -2}, 2)
                .error,
            0.0);
}

TEST(ExpertBenefits, NoisyLayersAreDrawnTogether) {
  // Spread 0.02 (variance 0.0002), errors 0.1: all of it may be noise.
  const auto lines = predict_benefits({{0, {{5, flat(0.01, 0.1)}}}, {1, {{5, flat(0.03, 0.1)}}}});
  for (int layer : {0, 1}) {
    const Line line = lines.at(layer).at(5);
    EXPECT_NEAR(line.slope, 0.02, 1e-12);
    EXPECT_NEAR(line.intercept - 3.0 * line.slope, 0.02, 1e-12);
  }
}

TEST(ExpertBenefits, WithoutErrorsTheyStayAsMeasured) {
  const auto lines = predict_benefits({{0, {{5, flat(0.01, 0.0)}}}, {1, {{5, flat(-0.03, 0.0)}}}});
  EXPECT_NEAR(lines.at(0).at(5).slope, 0.01, 1e-12);
  EXPECT_EQ(lines.at(1).at(5).slope, 0.0);
  EXPECT_NEAR(lines.at(1).at(5).intercept, -0.03, 1e-12);
}

TEST(ExpertBenefits, ASteepLayerKeepsItsOwnSlopeAndStandsApart) {
  const MeasuredBenefit steep{0.002, 0.01, -3.0, 0.1, 0.01};
  const auto lines = predict_benefits(
      {{0, {{5, steep}}}, {1, {{5, flat(0.01, 0.1)}}}, {2, {{5, flat(0.01, 0.1)}}}});
  EXPECT_DOUBLE_EQ(lines.at(0).at(5).slope, 0.1);
  EXPECT_NEAR(lines.at(0).at(5).intercept - 0.3, 0.002, 1e-12);
  EXPECT_NEAR(lines.at(1).at(5).slope, 0.01, 1e-12);
}

}  // namespace
}  // namespace bhroute::evaluation
