#include "../../src/routing/p_values.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "routing/synthetic_tables.h"

namespace bhroute::routing {
namespace {

using testing::NullShape;
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

TEST(BatchPValues, AreTheTables) {
  const std::vector<float> logits = {0.5f, -1.0f, 9.0f, kNan};
  const auto table = testing::make_table(NullShape::gridded, 4);
  const auto p = batch_p_values(testing::view(logits, 4), 0, table.get(), false);
  EXPECT_TRUE(p.table_available);
  for (std::size_t i = 0; i < 3; ++i)
    EXPECT_EQ(p.values[i], table->layer(0)->groups[0].p_value(logits[i]));
  EXPECT_EQ(p.values[2], 0.0);
  EXPECT_TRUE(std::isnan(p.values[3]));
}

TEST(BatchPValues, UseTheTablesStatistic) {
  const std::vector<float> logits = {1.0f, 2.0f, 3.0f, 4.0f};
  const std::vector<float> shifted = {101.0f, 102.0f, 103.0f, 104.0f};
  for (auto statistic : {calibration::Statistic::log_prob, calibration::Statistic::standardized}) {
    const auto table = testing::make_table(NullShape::gridded, 4, statistic);
    const auto p = batch_p_values(testing::view(logits, 4), 0, table.get(), false);
    EXPECT_THAT(batch_p_values(testing::view(shifted, 4), 0, table.get(), false).values,
                ::testing::Pointwise(::testing::DoubleNear(1e-6), p.values));
  }
}

TEST(BatchPValues, ReadRowsByTheirStride) {
  const std::vector<float> logits = {1.0f, 2.0f, 99.0f, 3.0f, 4.0f, 99.0f};
  const LogitsView view{logits.data(), 2, 2, 3};
  std::vector<float> statistic;
  batch_statistic(calibration::Statistic::logit, view, statistic);
  EXPECT_THAT(statistic, ::testing::ElementsAre(1.0f, 2.0f, 3.0f, 4.0f));
}

TEST(BatchPValues, WithoutATableTheyAreRanks) {
  const std::vector<float> one_token = {1.0f, 2.0f, 3.0f, kNan};
  const auto p = batch_p_values(testing::view(one_token, 4), 0, nullptr, false);
  EXPECT_FALSE(p.table_available);
  EXPECT_EQ(p.values[2], 0.0);
  EXPECT_EQ(p.values[1], 0.25);
  EXPECT_TRUE(std::isnan(p.values[3]));
  const std::vector<float> two_tokens = {1.0f, 5.0f, 2.0f, 4.0f};
  EXPECT_THAT(batch_p_values(testing::view(two_tokens, 2), 0, nullptr, false).values,
              ::testing::ElementsAre(0.5, 0.0, 0.0, 0.5));
}

TEST(BatchPValues, ClampOnRequest) {
  const std::vector<float> logits = {9.0f, 1.0f};
  const auto p = batch_p_values(testing::view(logits, 2), 0,
                                testing::make_table(NullShape::gridded, 2).get(), true);
  EXPECT_EQ(p.values[0], 1.1920928955078125e-07);
  EXPECT_NEAR(p.values[1], 0.1587, 1e-3);
}

}  // namespace
}  // namespace bhroute::routing
