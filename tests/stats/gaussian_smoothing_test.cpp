#include <gtest/gtest.h>

#include <chrono>
#include <random>

#include "bhroute/stats/kde.h"
#include "stats/sample_generators.h"

namespace bhroute::stats {
namespace {

CountedSample normal_sample(std::size_t n, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<float> normal(0.5F, 2.0F);
  std::vector<float> draws(n);
  for (float& value : draws) value = normal(random);
  return counted(draws);
}

class GaussianSmoothing : public testing::TestWithParam<double> {};
INSTANTIATE_TEST_SUITE_P(Bandwidths, GaussianSmoothing,
                         testing::Values(1e-4, 0.003, 0.2, 3.0, 50.0));

TEST_P(GaussianSmoothing, EqualsTheDirectSum) {
  const CountedSample sample = normal_sample(5000, 7);
  const GriddedCdf grid = smooth(sample, {SmoothingKernel::gaussian, GetParam(), 401}).value();
  for (std::size_t i = 0; i + 1 < grid.x().size(); ++i) {
    const double direct = kde_cdf(sample, SmoothingKernel::gaussian, GetParam(), grid.x()[i]);
    EXPECT_NEAR(grid.values()[i], direct, 1e-14) << grid.x()[i];
  }
}

TEST(GaussianSmoothing, IsLinearInTheSample) {
  const auto once = CountedSample::create({-1.0F, 0.25F, 2.0F}, {1, 2, 3}).value();
  const auto often = CountedSample::create({-1.0F, 0.25F, 2.0F}, {1000, 2000, 3000}).value();
  const KdeOptions options{SmoothingKernel::gaussian, 0.3, 64};
  const auto a = smooth(once, options).value(), b = smooth(often, options).value();
  for (std::size_t i = 0; i < 64; ++i) EXPECT_NEAR(a.values()[i], b.values()[i], 1e-15);
}

// A guard against a slip back to values x grid (6.5e8 kernel integrals, 10 s and more), not a
// benchmark.
TEST(Smooth, ALargeSampleTakesSeconds) {
  const CountedSample sample = normal_sample(65000, 11);
  for (const auto kernel : {SmoothingKernel::gaussian, SmoothingKernel::epanechnikov}) {
    const auto start = std::chrono::steady_clock::now();
    ASSERT_TRUE(smooth(sample, {kernel, BandwidthRule::scott, 10000}));
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
    RecordProperty(std::string(to_string(kernel)) + "_seconds", std::to_string(taken.count()));
    EXPECT_LT(taken.count(), 5.0) << to_string(kernel);
  }
}

}  // namespace
}  // namespace bhroute::stats
