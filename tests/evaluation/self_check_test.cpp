#include "bhroute/evaluation/self_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <random>

namespace bhroute::evaluation {
namespace {

using calibration::CalibrationTable;
using calibration::NullKind;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Each;
using ::testing::HasSubstr;

constexpr std::size_t kExperts = 16, kTopK = 4;

// Normal logits, independent: two layers, shifted by `shift` in layer 1.
CalibrationTable table_of(calibration::CalibrationOptions options, std::size_t num_tokens,
                          unsigned seed, double shift = 0.0, std::size_t rows = 500) {
  options.reservoir_rows = rows;
  auto calibrator = calibration::Calibrator::create(options, kExperts, kTopK).value();
  std::mt19937 engine(seed);
  std::normal_distribution<double> normal;
  for (int layer : {0, 1}) {
    std::vector<float> logits(num_tokens * kExperts);
    for (float& logit : logits)
      logit = static_cast<float>(normal(engine) + (layer == 1 ? shift : 0.0));
    EXPECT_TRUE(calibrator.add(layer, {logits.data(), num_tokens, kExperts, kExperts}));
  }
  return calibrator.finish({}).value();
}

calibration::CalibrationOptions with_null(NullKind kind) {
  calibration::CalibrationOptions options;
  options.null = {kind, kind == NullKind::trimmed ? std::size_t{2} : 0};
  return options;
}

SelfCheck check_of(const CalibrationTable& table, unsigned seed, double shift = 0.0) {
  return self_check(table, table_of(fresh_options(table.metadata), 4000, seed, shift)).value();
}

TEST(SelfCheck, HoldsOnTextOfTheSameKindForEveryNull) {
  for (NullKind kind : {NullKind::all, NullKind::unselected, NullKind::trimmed}) {
    for (auto pooling : {calibration::Pooling::pooled, calibration::Pooling::per_expert}) {
      auto options = with_null(kind);
      options.pooling = pooling;
      const auto check = check_of(table_of(options, 4000, 1), 2);
      for (const auto& [index, layer] : check.layers) {
        // 1.95/sqrt(n) is passed with probability 0.001 by n independent values of each sample.
        EXPECT_LT(layer.ks, 1.95 * std::sqrt(2.0 / static_cast<double>(layer.num_p_values)) +
                                (pooling == calibration::Pooling::pooled ? 0.0 : 0.02));
        EXPECT_EQ(layer.verdict, Verdict::holds);
        for (const auto& rate : layer.rates) EXPECT_NEAR(rate.h0_share, rate.alpha, 0.02);
        for (const auto& [expected, observed] : layer.qq) EXPECT_NEAR(expected, observed, 0.03);
        EXPECT_NEAR(layer.drift.mean_shift, 0.0, 0.05);
        EXPECT_NEAR(layer.drift.sd_ratio, 1.0, 0.05);
      }
      EXPECT_EQ(check.is_bounded(),
                kind == NullKind::all && pooling == calibration::Pooling::pooled);
    }
  }
}

TEST(SelfCheck, ALayerThatDriftedIsNamed) {
  const auto check = check_of(table_of(with_null(NullKind::all), 4000, 1), 2, 0.5);
  EXPECT_EQ(check.layers.at(0).verdict, Verdict::holds);
  EXPECT_EQ(check.layers.at(1).verdict, Verdict::fails);
  // Two normals half a standard deviation apart: 2 Phi(1/4) - 1 = 0.1974.
  EXPECT_NEAR(check.layers.at(1).ks, 0.1974, 0.01);
  EXPECT_NEAR(check.layers.at(1).drift.ks, 0.1974, 0.03);
  EXPECT_NEAR(check.layers.at(1).drift.mean_shift, 0.5, 0.05);
  EXPECT_THAT(in_words(check), Contains(AllOf(HasSubstr("does not hold in layers 1 (0.19"),
                                              HasSubstr("alpha has no meaning there"))));
}

TEST(SelfCheck, UnderTheNullAllTheCountsStayBelowTheirBound) {
  const auto check = check_of(table_of(with_null(NullKind::all), 4000, 1), 2);
  for (const auto& [index, layer] : check.layers) {
    for (const auto& rate : layer.rates) {
      EXPECT_LE(rate.mean_rejections, rate.mean_p_below);
      // #{p <= alpha} is the sum of N uniform indicators: its mean is N*alpha.
      EXPECT_NEAR(rate.mean_p_below, rate.alpha * kExperts, 0.35);
      // Independent and all of H0: any rejection at all has probability alpha.
      EXPECT_TRUE(rate.alpha > 0.05 || rate.mean_rejections < 0.2);
    }
  }
  EXPECT_THAT(in_words(check), Contains(HasSubstr("at most N*alpha = 0.80 experts")));
}

TEST(SelfCheck, SaysWhatMinKDoesWhateverTheTable) {
  for (NullKind kind : {NullKind::all, NullKind::unselected})
    EXPECT_THAT(in_words(check_of(table_of(with_null(kind), 500, 1), 2)),
                Contains(HasSubstr("min_k >= 1 selects experts whatever their p-values are")));
  EXPECT_THAT(in_words(check_of(table_of(with_null(NullKind::unselected), 500, 1), 2)),
              Contains(HasSubstr("does not apply to this table")));
}

TEST(SelfCheck, WithoutSampledRowsThereIsNoDrift) {
  const auto check = check_of(table_of(with_null(NullKind::all), 500, 1, 0.0, 0), 2);
  EXPECT_TRUE(std::isnan(check.layers.at(0).drift.ks));
  EXPECT_TRUE(to_json(check)["layers"][0]["drift"].is_null());
}

TEST(SelfCheck, OtherSettingsAreAnError) {
  const auto check = self_check(table_of(with_null(NullKind::all), 50, 1),
                                table_of(with_null(NullKind::unselected), 50, 1));
  ASSERT_FALSE(check);
  EXPECT_THAT(to_string(check.error()), HasSubstr("calibrated with other settings"));
}

TEST(SelfCheck, JsonHasWhatTheReportDraws) {
  const auto object = to_json(check_of(table_of(with_null(NullKind::all), 500, 1), 2));
  EXPECT_EQ(object["layers"].size(), 2u);
  EXPECT_EQ(object["layers"][1]["layer"], 1);
  EXPECT_EQ(object["layers"][0]["qq"][20][0], 1.0);
  EXPECT_DOUBLE_EQ(object["layers"][0]["rates"][1]["bound"].get<double>(), 0.8);
  EXPECT_EQ(object["null"], "all");
}

}  // namespace
}  // namespace bhroute::evaluation
