#include "bhroute/calibration/critical_logits.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <limits>

#include "bhroute/stats/benjamini_hochberg.h"
#include "calibration/tables.h"

namespace bhroute::calibration {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

// The contract, checked at and around each critical logit, and at a few hundred floats beside it.
void check(const NullDistribution& null, std::span<const double> critical_values,
           std::span<const float> z) {
  ASSERT_EQ(z.size(), critical_values.size());
  for (std::size_t k = 0; k < z.size(); ++k) {
    const double c = critical_values[k];
    if (std::isnan(z[k])) {
      EXPECT_GT(null.p_value(kInf), c) << k;
      continue;
    }
    EXPECT_LE(null.p_value(z[k]), c) << k;
    float below = z[k], above = z[k];
    for (int step = 0; step < 100 && below > -kInf; ++step) {
      below = std::nextafter(below, -kInf);
      ASSERT_GT(null.p_value(below), c) << k << ' ' << step;
      above = std::nextafter(above, kInf);
      ASSERT_LE(null.p_value(above), c) << k << ' ' << step;
    }
    EXPECT_TRUE(k == 0 || std::isnan(z[k - 1]) || z[k] <= z[k - 1]) << k;
  }
}

void check_layer(const LayerNull& layer, std::size_t num_experts, double alpha) {
  const auto c = stats::bh_critical_values(num_experts, alpha);
  const auto rows = critical_logits(layer, c);
  ASSERT_EQ(rows.size(), layer.groups.size() * num_experts);
  for (std::size_t g = 0; g < layer.groups.size(); ++g)
    check(layer.groups[g], c, std::span(rows).subspan(g * num_experts, num_experts));
}

std::vector<CalibrationOptions> kinds() {
  CalibrationOptions conformal, gridded, per_expert, log_prob;
  gridded.form = stats::PValueForm::gridded;
  per_expert.pooling = Pooling::per_expert;
  log_prob.statistic = Statistic::log_prob;
  log_prob.null.kind = NullKind::unselected;
  return {conformal, gridded, per_expert, log_prob, testing::smoothed()};
}

TEST(CriticalLogits, HoldTheContractForEveryKindOfTable) {
  for (const auto& options : kinds())
    for (double alpha : {0.001, 0.05, 0.2, 0.999})
      check_layer(testing::make_table(options).layers.at(10), 8, alpha);
}

TEST(CriticalLogits, NanWhereNoFloatPasses) {
  const auto sample = stats::CountedSample::create({0.0f}, {9}).value();
  const auto null = NullDistribution::from_counts(sample, stats::PValueForm::conformal);
  const auto z = critical_logits(null, std::vector{0.05, 0.1, 0.5});
  EXPECT_TRUE(std::isnan(z[0]));
  EXPECT_EQ(z[1], std::numeric_limits<float>::denorm_min())
      << "the first float above the only value";
  EXPECT_EQ(z[2], z[1]);
}

TEST(CriticalLogits, MinusInfinityWhereEveryFloatPasses) {
  const auto grid = stats::GriddedCdf::create({0.0, 1.0}, {0.9, 0.95}).value();
  const auto null = NullDistribution::from_grid(grid);
  const auto z = critical_logits(null, std::vector{0.01, 0.5});
  EXPECT_TRUE(std::isnan(z[0]));  // p never falls below 0.05
  EXPECT_EQ(z[1], -kInf);
}

TEST(CriticalLogits, CrossZeroAndTheEndsOfTheFloats) {
  const float max = std::numeric_limits<float>::max(),
              tiny = std::numeric_limits<float>::denorm_min();
  const auto sample =
      stats::CountedSample::create({-max, -tiny, 0.0f, tiny, max}, {1, 1, 1, 1, 1}).value();
  const auto null = NullDistribution::from_counts(sample, stats::PValueForm::conformal);
  const std::vector<double> c = {1.0 / 6, 2.0 / 6, 3.0 / 6, 4.0 / 6, 5.0 / 6, 1.0};
  const auto z = critical_logits(null, c);
  check(null, c, z);
  EXPECT_THAT(z, ::testing::ElementsAre(kInf, std::nextafter(tiny, kInf), tiny, 0.0f,
                                        std::nextafter(-max, kInf), -kInf));
}

TEST(CriticalLogits, NoCriticalValues) {
  const auto table = testing::make_table();
  EXPECT_TRUE(critical_logits(table.layers.at(0), {}).empty());
}

RC_GTEST_PROP(CriticalLogits, HoldTheContractForRandomCounts,
              (std::map<std::int16_t, std::uint8_t> raw, bool conformal)) {
  std::vector<float> values;
  std::vector<std::uint64_t> counts;
  for (auto [value, count] : raw)
    values.push_back(static_cast<float>(value) / 256), counts.push_back(count + 1u);
  RC_PRE(!values.empty());
  const auto sample = stats::CountedSample::create(values, counts).value();
  const auto null = NullDistribution::from_counts(
      sample, conformal ? stats::PValueForm::conformal : stats::PValueForm::gridded);
  const auto c = stats::bh_critical_values(*rc::gen::inRange<std::size_t>(1, 65),
                                           *rc::gen::inRange(1, 999) / 1000.0);
  check(null, c, critical_logits(null, c));
  RC_ASSERT(!::testing::Test::HasFailure());
}

}  // namespace
}  // namespace bhroute::calibration
