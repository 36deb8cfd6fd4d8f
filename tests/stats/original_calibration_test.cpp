// Figures of the original system's calibration test: 64 experts, alpha 0.05.

#include <gtest/gtest.h>

#include <vector>

#include "bhroute/stats/benjamini_hochberg.h"

namespace bhroute::stats {
namespace {

TEST(OriginalCalibration, CriticalValues) {
  const std::vector<double> c = bh_critical_values(64, 0.05);
  ASSERT_EQ(c.size(), 64u);
  EXPECT_NEAR(c[0], 0.00078125, 1e-12);
  EXPECT_NEAR(c[6], 0.00546875, 1e-12);
  EXPECT_NEAR(c[29], 0.0234375, 1e-12);
}

}  // namespace
}  // namespace bhroute::stats
