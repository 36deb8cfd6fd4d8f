#include "../../src/routing/plain_softmax.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace bhroute::routing {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

TEST(PlainSoftmax, ByHand) {
  // Softmax 1/2, 1/4, 1/4.
  const float two = std::log(2.0f);
  const PlainSoftmax softmax = plain_softmax(std::vector<float>{0.0f, two, kNaN, 0.0f});
  EXPECT_THAT(softmax.logits, ::testing::ElementsAre(two, 0.0, 0.0));
  EXPECT_NEAR(softmax.shares[1], 0.5, 1e-7);
  EXPECT_NEAR(softmax.sum, 2.0, 1e-7);
  EXPECT_NEAR(softmax.log_prob(1), std::log(0.5), 1e-7);
  EXPECT_NEAR(softmax.log_prob(2), std::log(0.25), 1e-7);
  EXPECT_EQ(softmax.log_prob(9), softmax.log_prob(3)) << "the last one's beyond the end";
  EXPECT_NEAR(softmax.entropy(), 1.5 * std::log(2.0), 1e-7);
}

TEST(PlainSoftmax, InfiniteLogitsShareTheMass) {
  const PlainSoftmax softmax = plain_softmax(std::vector<float>{kInfinity, 1.0f, kInfinity});
  EXPECT_THAT(softmax.shares, ::testing::ElementsAre(1.0, 1.0, 0.0));
  EXPECT_DOUBLE_EQ(softmax.log_prob(2), std::log(0.5));
  EXPECT_EQ(softmax.log_prob(3), -kInfinity);
  EXPECT_DOUBLE_EQ(softmax.entropy(), std::log(2.0));
  EXPECT_DOUBLE_EQ(plain_softmax(std::vector<float>{-kInfinity, -kInfinity}).entropy(),
                   std::log(2.0));
}

}  // namespace
}  // namespace bhroute::routing
