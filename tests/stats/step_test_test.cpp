#include "bhroute/stats/step_test.h"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

namespace bhroute::stats {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
const std::vector<double> kCritical{0.01, 0.02, 0.03, 0.04};

TEST(StepTest, UpTakesTheLargestPassingRank) {
  EXPECT_EQ(step_up(std::vector<double>{0.02, 0.03, 0.03, 0.05}, kCritical), 3u);
  EXPECT_EQ(step_up(std::vector<double>{0.02, 0.03, 0.04, 0.05}, kCritical), 0u);
  EXPECT_EQ(step_up(std::vector<double>{0.02, 0.03, 0.03, 0.04}, kCritical), 4u);
}

TEST(StepTest, DownStopsAtTheFirstThatFails) {
  EXPECT_EQ(step_down(std::vector<double>{0.01, 0.021, 0.03, 0.04}, kCritical), 1u);
  EXPECT_EQ(step_down(std::vector<double>{0.02, 0.02, 0.03, 0.04}, kCritical), 0u);
  EXPECT_EQ(step_down(std::vector<double>{0.01, 0.02, 0.03, 0.04}, kCritical), 4u);
}

TEST(StepTest, NaNNeverPasses) {
  const std::vector<double> one{0.01, kNaN, kNaN}, none{kNaN, kNaN, kNaN};
  for (Direction direction : {Direction::up, Direction::down}) {
    EXPECT_EQ(count_passing({direction, kCritical}, one), 1u);
    EXPECT_EQ(count_passing({direction, kCritical}, none), 0u);
  }
}

TEST(StepTest, DirectionDecides) {
  const std::vector<double> p{0.02, 0.02, 0.03, 0.04};
  EXPECT_EQ(count_passing({Direction::up, kCritical}, p), 4u);
  EXPECT_EQ(count_passing({Direction::down, kCritical}, p), 0u);
}

}  // namespace
}  // namespace bhroute::stats
