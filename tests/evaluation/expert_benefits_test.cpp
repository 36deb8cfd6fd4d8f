#include "../../src/evaluation/expert_benefits.h"

#include <gtest/gtest.h>

#include <cmath>

namespace bhroute::evaluation {
namespace {

MeasuredBenefit flat(double mean, double error) { return {mean, error, -3.0, std::nullopt}; }

TEST(ExpertBenefits, MeasuredByHand) {
  // Benefits 1, 3 | 2, 4 in windows of two: window means 2 and 3.
  const auto m = measure_benefit(std::vector<float>{2, 4, 3, 5}, std::vector<float>{1, 1, 1, 1},
                                 std::vector<double>{-4, -2, -3, -1}, 2);
  EXPECT_DOUBLE_EQ(m.mean, 2.5);
  EXPECT_DOUBLE_EQ(m.error, 0.5);
  EXPECT_DOUBLE_EQ(m.mean_log_prob, -2.5);
  EXPECT_FALSE(m.slope);
}

TEST(ExpertBenefits, TheSlopeByHand) {
  // The upper half (log_probs -2, -1) with the expert gains 4 and 2 in sum, part of it in other
  // tokens; all with it gain 7. So 3 a token above, 1/2 below, 2 nats apart.
  const std::vector<float> fewer{5, 5, 5, 5}, more{3, 4, 4, 2}, upper{4, 3, 5, 2};
  const std::vector<double> log_probs{-4, -2, -3, -1};
  EXPECT_NEAR(measure_slope(fewer, more, upper, log_probs, -2.5), (3.0 - 0.5) / 2.0, 1e-12);
  EXPECT_EQ(measure_slope(fewer, more, upper, log_probs, 0.0), 0.0) << "nobody above";
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

TEST(ExpertBenefits, ALayerWithAMeasuredSlopeKeepsItAndStandsApart) {
  const MeasuredBenefit steep{0.002, 0.01, -3.0, 0.1};
  const auto lines = predict_benefits(
      {{0, {{5, steep}}}, {1, {{5, flat(0.01, 0.1)}}}, {2, {{5, flat(0.01, 0.1)}}}});
  EXPECT_DOUBLE_EQ(lines.at(0).at(5).slope, 0.1);
  EXPECT_NEAR(lines.at(0).at(5).intercept - 0.3, 0.002, 1e-12);
  EXPECT_NEAR(lines.at(1).at(5).slope, 0.01, 1e-12);
}

}  // namespace
}  // namespace bhroute::evaluation
