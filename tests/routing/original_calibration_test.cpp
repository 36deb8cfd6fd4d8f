// The original system's p-value calibration test: its worked example, and how the number of experts
// answers to alpha.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "bhroute/routing/policy.h"
#include "bhroute/stats/benjamini_hochberg.h"
#include "routing/original_tables.h"
#include "routing/planted_signals.h"
#include "routing/synthetic_tables.h"

namespace bhroute::routing {
namespace {

using testing::NullShape;

constexpr float kTopLogits[] = {4.9269f, 4.4873f, 3.9007f, 2.6784f,
                                2.1228f, 1.9569f, 1.8446f, 1.7174f};
constexpr double kTopPValues[] = {0.000000, 0.000000, 0.000000, 0.000187,
                                  0.002426, 0.003939, 0.005432, 0.007688};
constexpr std::int32_t kTopIds[] = {39, 2, 57, 18, 44, 7, 61, 25};  // any distinct places

/// The worked example's eight logits among 56 that no test could call large.
std::vector<float> worked_example() {
  std::vector<float> logits(64);
  for (std::size_t i = 0; i < 64; ++i) logits[i] = -2.0f - 0.01f * static_cast<float>(i);
  for (std::size_t i = 0; i < 8; ++i) logits[static_cast<std::size_t>(kTopIds[i])] = kTopLogits[i];
  return logits;
}

TEST(OriginalCalibration, CriticalValues) {
  const auto c = stats::bh_critical_values(64, 0.05);
  EXPECT_NEAR(c[0], 0.000781, 1e-6);
  EXPECT_NEAR(c[6], 0.005469, 1e-6);
  EXPECT_NEAR(c[29], 0.023438, 1e-6);
}

TEST(OriginalCalibration, ExactlySevenOfSixtyFourPass) {
  std::vector<double> p(64, 0.9);
  std::copy(std::begin(kTopPValues), std::end(kTopPValues), p.begin() + 20);
  const auto result = stats::benjamini_hochberg(p, 0.05);
  EXPECT_EQ(result.num_rejections, 7u);
  EXPECT_EQ(std::accumulate(result.mask.begin() + 20, result.mask.begin() + 27, 0), 7);
  EXPECT_NEAR(std::accumulate(std::begin(kTopPValues), std::end(kTopPValues), 0.0) / 8.0, 0.0025,
              5e-5);
}

TEST(OriginalCalibration, WorkedExampleWithTheOriginalTable) {
  const auto table = testing::original_tables();
  if (table == nullptr)
    GTEST_SKIP() << "BHROUTE_SEED_TABLES does not name the original system's tables";
  for (auto make : {&make_policy, &make_reference_policy}) {
    const auto policy = make({.max_k = 8}, testing::facts(64), table);
    ASSERT_TRUE(policy) << to_string(policy.error());
    const auto logits = worked_example();
    RoutingDecision decision;
    ASSERT_TRUE((*policy)->route(testing::view(logits, 64), 0, {.stats = true}, decision));
    EXPECT_THAT(decision.num_selected, ::testing::ElementsAre(7));
    EXPECT_THAT(std::vector(decision.expert_ids.begin(), decision.expert_ids.begin() + 7),
                ::testing::ElementsAreArray(kTopIds, 7));
    double sum = 0.0;
    for (std::size_t i = 0; i < 8; ++i) {
      const double p = decision.stats->p_values[static_cast<std::size_t>(kTopIds[i])];
      EXPECT_NEAR(p, kTopPValues[i], 1e-6) << "rank " << i + 1;
      sum += p;
    }
    EXPECT_NEAR(sum / 8.0, 0.0025, 5e-5);
  }
}

double mean_experts(double alpha, const std::vector<float>& logits) {
  const auto policy = make_policy({.alpha = alpha, .max_k = 8}, testing::facts(64),
                                  testing::make_table(NullShape::conformal, 64));
  RoutingDecision decision;
  EXPECT_TRUE((*policy)->route(testing::view(logits, 64), 0, {}, decision));
  return std::accumulate(decision.num_selected.begin(), decision.num_selected.end(), 0.0) /
         static_cast<double>(decision.num_tokens);
}

TEST(OriginalCalibration, CountsRiseWithAlphaFromAboutFourToEight) {
  const auto logits = testing::planted_signals(400, 42);
  std::vector<double> means;
  for (double alpha : {0.01, 0.05, 0.10, 0.20}) means.push_back(mean_experts(alpha, logits));
  EXPECT_TRUE(std::is_sorted(means.begin(), means.end()));
  const double original[] = {4.20, 7.02, 7.85, 8.00};
  for (std::size_t i = 0; i < 4; ++i) EXPECT_NEAR(means[i], original[i], 0.5) << "alpha " << i;
  EXPECT_LT(means[0], means[1]);
  EXPECT_LT(means[1], means[2]);
}

TEST(OriginalCalibration, TheTopExpertsAreSignificant) {
  const auto logits = testing::planted_signals(50, 43);
  const auto policy =
      make_policy({.max_k = 8}, testing::facts(64), testing::make_table(NullShape::conformal, 64));
  RoutingDecision decision;
  ASSERT_TRUE((*policy)->route(testing::view(logits, 64), 0, {.stats = true}, decision));
  for (std::size_t t = 0; t < 50; ++t) {
    const double* p = decision.stats->p_values.data() + t * 64;
    for (std::int32_t i = 0; i < std::min(3, decision.num_selected[t]); ++i)
      EXPECT_LT(p[decision.expert_ids[t * 8 + static_cast<std::size_t>(i)]], 0.001);
    EXPECT_GT(std::count_if(p, p + 64, [](double x) { return x > 0.05; }), 45);
  }
}

}  // namespace
}  // namespace bhroute::routing
