// One test body for every procedure: the masks that statsmodels, numpy and exact rationals give.

#include "bhroute/stats/procedure.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "stats/reference_table.h"

namespace bhroute::stats {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

std::string as_text(const std::vector<std::uint8_t>& mask) {
  std::string text;
  for (const std::uint8_t rejected : mask) text += rejected ? '1' : '0';
  return text;
}

Procedure make(const std::string& name, double alpha = 0.05) {
  return make_procedure(name, {.alpha = alpha}).value();
}

class EveryProcedure : public ::testing::TestWithParam<std::string> {
 protected:
  Procedure procedure_ = make(GetParam());
};

TEST_P(EveryProcedure, RejectsWhatItsOracleRejects) {
  std::size_t compared = 0;
  for (const auto& c : reference_cases("procedures")) {
    if (!c["results"].contains(GetParam())) continue;
    const auto& want = c["results"][GetParam()];
    const auto procedure = make_procedure(
        GetParam(),
        {.alpha = c["alpha"], .lambda = c["lambda"], .kappa = c["kappa"], .beta = c["beta"]});
    const TestResult result = run(*procedure, doubles(c["p"]));
    EXPECT_EQ(as_text(result.mask), want["rejected"]) << c["kind"] << " N " << c["p"].size();
    if (want.contains("adjusted")) {
      const auto adjusted = doubles(want["adjusted"]);
      ASSERT_EQ(result.adjusted_p_values.size(), adjusted.size());
      for (std::size_t i = 0; i < adjusted.size(); ++i)
        EXPECT_NEAR(result.adjusted_p_values[i], adjusted[i], 1e-15 + 4e-16 * adjusted[i]);
    }
    ++compared;
  }
  EXPECT_GE(compared, 20u);
}

TEST_P(EveryProcedure, OfNothingRejectsNothing) {
  const TestResult result = run(procedure_, {});
  EXPECT_EQ(result.num_rejections, 0u);
  EXPECT_TRUE(result.mask.empty());
}

TEST_P(EveryProcedure, NaNIsNeverRejected) {
  const std::vector<double> p{kNaN, 1e-9, kNaN, 2e-9};
  const TestResult result = run(procedure_, p);
  EXPECT_EQ(result.mask[0] + result.mask[2], 0);
  EXPECT_GE(result.num_rejections, 1u);
  if (!result.adjusted_p_values.empty()) {
    EXPECT_TRUE(std::isnan(result.adjusted_p_values[2]));
  }
  EXPECT_EQ(run(procedure_, std::vector<double>{kNaN, kNaN}).num_rejections, 0u);
}

TEST_P(EveryProcedure, TheMaskIsTheFirstOfTheOrder) {
  std::mt19937 random(1);
  for (int repeat = 0; repeat < 200; ++repeat) {
    std::vector<double> p(1 + random() % 40);
    for (double& value : p) value = static_cast<double>(random() % 1000) * 1e-4;
    const TestResult result = run(procedure_, p);
    for (std::size_t k = 0; k < p.size(); ++k)
      EXPECT_EQ(result.mask[result.order[k]], k < result.num_rejections ? 1 : 0);
  }
}

// An adjusted p-value is the smallest alpha that rejects. Away from boundaries, where rounding
// decides.
TEST_P(EveryProcedure, AdjustedPValuesDecideAsTheMaskDoes) {
  std::mt19937 random(2);
  std::uniform_real_distribution<double> uniform;
  for (int repeat = 0; repeat < 200; ++repeat) {
    std::vector<double> p(1 + random() % 40);
    for (double& value : p) value = std::pow(uniform(random), 3.0);
    const TestResult result = run(procedure_, p);
    if (result.adjusted_p_values.empty()) return;
    for (std::size_t i = 0; i < p.size(); ++i)
      EXPECT_EQ(result.adjusted_p_values[i] <= 0.05, result.mask[i] == 1);
  }
}

TEST_P(EveryProcedure, FixedCriticalValuesDecideAlone) {
  const auto test = step_test(procedure_, 20);
  if (!test) return;
  ASSERT_EQ(test->critical_values.size(), 20u);
  EXPECT_TRUE(std::is_sorted(test->critical_values.begin(), test->critical_values.end()));
  std::mt19937 random(3);
  for (int repeat = 0; repeat < 200; ++repeat) {
    std::vector<double> p(20);
    for (double& value : p) value = static_cast<double>(random() % 1000) * 1e-4;
    const TestResult result = run(procedure_, p);
    EXPECT_EQ(result.critical_values, test->critical_values);
    std::sort(p.begin(), p.end());
    EXPECT_EQ(count_passing(*test, p), result.num_rejections);
  }
}

INSTANTIATE_TEST_SUITE_P(Procedure, EveryProcedure, ::testing::ValuesIn(procedure_names()),
                         [](const auto& info) { return info.param; });

TEST(Procedure, OnlySomeHaveFixedCriticalValues) {
  for (const std::string& name : procedure_names()) {
    const bool depends = name == "storey" || name == "bky" || name.starts_with("hc");
    EXPECT_EQ(step_test(make(name), 8).has_value(), !depends) << name;
  }
}

TEST(Procedure, UnknownNamesAndBadParametersAreErrors) {
  EXPECT_EQ(to_string(make_procedure("holmes", {}).error()),
            "method: unknown procedure, got holmes, did you mean holm?");
  EXPECT_THAT(to_string(make_procedure("zzzz", {}).error()), ::testing::HasSubstr("one of bh, by"));
  EXPECT_EQ(to_string(make_procedure("bh", {.alpha = 1.0}).error()),
            "alpha: out of range, got 1, want 0 < alpha < 1");
  EXPECT_FALSE(make_procedure("bh", {.alpha = kNaN}));
  EXPECT_FALSE(make_procedure("storey", {.lambda = 1.0}));
  EXPECT_FALSE(make_procedure("e_bh", {.kappa = 0.0}));
  EXPECT_FALSE(make_procedure("hc_star", {.beta = 0.0}));
  EXPECT_TRUE(make_procedure("hc", {.alpha = 7.0})) << "has no alpha";
}

TEST(TwoStage, IsBhAtTheFirstLevelWhereThatRejectsNoneOrAll) {
  const std::vector<double> none{0.5, 0.9}, all{1e-6, 1e-5};
  EXPECT_EQ(run(TwoStage{0.05}, none).critical_values, bh_critical_values(2, 0.05 / 1.05));
  EXPECT_EQ(run(TwoStage{0.05}, all).critical_values, bh_critical_values(2, 0.05 / 1.05));
  // One of four rejected at first: then alpha' * 4/3.
  EXPECT_EQ(run(TwoStage{0.05}, std::vector<double>{1e-6, 0.4, 0.5, 0.9}).critical_values,
            bh_critical_values(4, 0.05 / 1.05 * 4.0 / 3.0));
}

TEST(EBenjaminiHochberg, CriticalValuesInvertTheCalibrator) {
  for (double kappa : {0.1, 0.5, 0.8}) {
    const EBenjaminiHochberg procedure{0.1, kappa};
    const StepTest test = step_test(procedure, 16);
    for (std::size_t k = 1; k <= 16; ++k)
      EXPECT_NEAR(
          e_value(procedure, test.critical_values[k - 1]) * static_cast<double>(k) * 0.1 / 16.0,
          1.0, 1e-12);
  }
}

TEST(HigherCriticism, ByHand) {
  // HC = sqrt(4)*(i/4 - p)/sqrt(p(1-p)): 0.24/.0995*2, 0.3/.4*2, -0.05/.4*2 (p = .8), .1/.3*2
  const std::vector<double> p{0.2, 0.01, 0.9, 0.8};
  const TestResult result = run(HigherCriticism{}, p);
  EXPECT_THAT(result.scores, ::testing::ElementsAre(::testing::DoubleNear(4.824182, 1e-6),
                                                    ::testing::DoubleNear(1.5, 1e-12),
                                                    ::testing::DoubleNear(-0.25, 1e-12),
                                                    ::testing::DoubleNear(2.0 / 3.0, 1e-12)));
  EXPECT_EQ(result.num_rejections, 1u);
  EXPECT_TRUE(result.critical_values.empty() && result.adjusted_p_values.empty());
}

TEST(HigherCriticism, OfEqualScoresTheLast) {
  EXPECT_EQ(run(HigherCriticism{}, std::vector<double>{0.0, 0.0, 0.5, 0.0}).num_rejections, 3u);
}

TEST(HigherCriticism, NothingBelowUniformSelectsNothing) {
  const std::vector<double> p{0.5, 1.0};
  EXPECT_EQ(run(HigherCriticism{HcSearch::below_uniform}, p).num_rejections, 0u);
  EXPECT_EQ(run(HigherCriticism{HcSearch::first_share, 0.3}, p).num_rejections, 1u)
      << "at least rank 1";
}

}  // namespace
}  // namespace bhroute::stats
