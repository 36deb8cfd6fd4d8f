#include "bhroute/stats/wilson.h"

#include <gtest/gtest.h>

namespace bhroute::stats {
namespace {

// statsmodels 0.15.0 proportion_confint(count, n, method="wilson").
TEST(WilsonInterval, EqualsStatsmodels) {
  const struct {
    std::size_t successes, n;
    double low, high;
  } cases[] = {{0, 10, 0, 0.27753279986288926},
               {10, 10, 0.72246720013711063, 1},
               {1, 4, 0.045587260809700603, 0.69935815741759821},
               {37, 200, 0.13730192800616045, 0.24457062761151752},
               {199, 200, 0.97222629560210694, 0.99911683128439888}};
  for (const auto& c : cases) {
    const Interval found = wilson_interval(c.successes, c.n);
    EXPECT_NEAR(found.low, c.low, 1e-12) << c.successes << " of " << c.n;
    EXPECT_NEAR(found.high, c.high, 1e-12) << c.successes << " of " << c.n;
    EXPECT_DOUBLE_EQ(found.estimate, static_cast<double>(c.successes) / static_cast<double>(c.n));
  }
}

TEST(WilsonInterval, OfNothingIsEverything) {
  EXPECT_EQ(wilson_interval(0, 0).low, 0.0);
  EXPECT_EQ(wilson_interval(0, 0).high, 1.0);
}

}  // namespace
}  // namespace bhroute::stats
