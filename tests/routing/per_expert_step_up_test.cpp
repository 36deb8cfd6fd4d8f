#include "../../src/routing/per_expert_step_up.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "bhroute/stats/benjamini_hochberg.h"
#include "routing/synthetic_tables.h"

namespace bhroute::routing {
namespace {

/// Three experts with normal nulls around 0, 2 and 4.
calibration::LayerNull shifted_nulls() {
  calibration::LayerNull null;
  for (double shift : {0.0, 2.0, 4.0}) null.groups.push_back(testing::gridded_null(2000, shift));
  return null;
}

std::vector<std::int32_t> select(const std::vector<float>& logits, double alpha,
                                 PerExpertStepUp::Bounds bounds) {
  const auto null = shifted_nulls();
  const auto layer =
      compile_layer(null, stats::step_test(stats::BenjaminiHochberg{alpha}, 3), bounds.clamp);
  std::vector<std::int32_t> ids(bounds.max_k);
  PerExpertStepUp step_up;
  ids.resize(step_up.select(logits, logits, layer, bounds, ids));
  return ids;
}

TEST(PerExpertStepUp, ComparesEachExpertWithItsOwnNull) {
  // 3 is far above the first null, one sd above the second, below the third.
  EXPECT_THAT(select({3.0f, 3.0f, 3.0f}, 0.05, {1, 3, false}), ::testing::ElementsAre(0));
  EXPECT_THAT(select({3.0f, 5.5f, 7.2f}, 0.05, {1, 3, false}), ::testing::ElementsAre(1, 2, 0));
}

TEST(PerExpertStepUp, FillsToMinKBySmallestP) {
  EXPECT_THAT(select({0.0f, 2.5f, 3.0f}, 0.01, {2, 3, false}), ::testing::ElementsAre(1, 0));
}

TEST(PerExpertStepUp, MaxKKeepsTheSmallestP) {
  EXPECT_THAT(select({3.0f, 5.5f, 7.2f}, 0.05, {1, 2, false}), ::testing::ElementsAre(1, 2));
}

TEST(PerExpertStepUp, EqualPIsOrderedByLogit) {
  // All beyond their grids: p is 0 for each.
  EXPECT_THAT(select({20.0f, 30.0f, 20.0f}, 0.05, {1, 3, false}), ::testing::ElementsAre(1, 0, 2));
}

TEST(PerExpertStepUp, NanIsNeverSelected) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THAT(select({nan, 2.5f, nan}, 0.05, {3, 3, false}), ::testing::ElementsAre(1));
  EXPECT_THAT(select({nan, nan, nan}, 0.05, {1, 3, false}), ::testing::IsEmpty());
}

}  // namespace
}  // namespace bhroute::routing
