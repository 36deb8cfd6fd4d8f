#include "bhroute/stats/clamp.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace bhroute::stats {
namespace {

constexpr double kEps = 1.1920928955078125e-07;

TEST(ClampPValue, KeepsTheInside) {
  EXPECT_EQ(clamp_p_value(0.5), 0.5);
  EXPECT_EQ(clamp_p_value(kEps), kEps);
  EXPECT_EQ(clamp_p_value(1.0 - kEps), 1.0 - kEps);
}

TEST(ClampPValue, PullsInTheEnds) {
  EXPECT_EQ(clamp_p_value(0.0), kEps);
  EXPECT_EQ(clamp_p_value(kEps / 2), kEps);
  EXPECT_EQ(clamp_p_value(1.0), 1.0 - kEps);
  EXPECT_EQ(clamp_p_value(1.0 - kEps / 2), 1.0 - kEps);
}

TEST(ClampPValue, LeavesNaN) {
  EXPECT_TRUE(std::isnan(clamp_p_value(std::numeric_limits<double>::quiet_NaN())));
}

}  // namespace
}  // namespace bhroute::stats
