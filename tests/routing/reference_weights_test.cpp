#include "../../src/routing/reference_weights.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

namespace bhroute::routing {
namespace {

using kernels::WeightScale;
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInf = std::numeric_limits<float>::infinity();

std::vector<float> weights(std::vector<float> logits, std::vector<std::int32_t> ids,
                           const WeightForm& form) {
  std::vector<float> out(ids.size());
  reference_weights(logits, ids, form, out);
  return out;
}

// Softmax of (ln 1, ln 2, ln 5) is (1, 2, 5)/8.
const std::vector<float> kLogits = {0.0f, std::log(2.0f), std::log(5.0f)};

TEST(ReferenceWeights, EachScale) {
  const float near = 1e-6f;
  EXPECT_THAT(weights(kLogits, {2, 1}, {}),
              ::testing::ElementsAre(::testing::FloatNear(0.625f, near),
                                     ::testing::FloatNear(0.25f, near)));
  EXPECT_THAT(weights(kLogits, {2, 1}, {1.0, WeightScale::one, 0}),
              ::testing::ElementsAre(::testing::FloatNear(5.0f / 7, near),
                                     ::testing::FloatNear(2.0f / 7, near)));
  // The model's own top-1 would have 0.625: shared as 2:1.
  EXPECT_THAT(weights(kLogits, {1, 0}, {1.0, WeightScale::mass, 1}),
              ::testing::ElementsAre(::testing::FloatNear(0.625f * 2 / 3, near),
                                     ::testing::FloatNear(0.625f / 3, near)));
}

TEST(ReferenceWeights, TemperatureFlattens) {
  const auto cold = weights(kLogits, {2}, {0.5, WeightScale::none, 0});
  EXPECT_NEAR(cold[0], 25.0f / 30.0f, 1e-6f);
}

TEST(ReferenceWeights, NanTakesNoPart) {
  EXPECT_THAT(weights({0.0f, kNan, 0.0f}, {0, 2}, {}), ::testing::ElementsAre(0.5f, 0.5f));
}

TEST(ReferenceWeights, InfiniteLogitsShareTheMass) {
  EXPECT_THAT(weights({kInf, 3.0f, kInf, -kInf}, {0, 2, 1}, {}),
              ::testing::ElementsAre(0.5f, 0.5f, 0.0f));
  EXPECT_THAT(weights({-kInf, -kInf}, {0}, {}), ::testing::ElementsAre(0.5f));
  EXPECT_THAT(weights({kInf, 3.0f, 3.0f}, {1, 2}, {1.0, WeightScale::one, 0}),
              ::testing::ElementsAre(0.5f, 0.5f));
}

TEST(ReferenceWeights, FarBelowTheMaximumTheyStillSumToOne) {
  EXPECT_THAT(weights({5000.0f, 0.0f, 0.0f}, {1, 2}, {1.0, WeightScale::one, 0}),
              ::testing::ElementsAre(0.5f, 0.5f));
}

}  // namespace
}  // namespace bhroute::routing
