#include <gtest/gtest.h>

#include <cmath>

#include "bhroute/stats/kde.h"

namespace bhroute::stats {
namespace {

class SmoothingKernels : public testing::TestWithParam<SmoothingKernel> {};
INSTANTIATE_TEST_SUITE_P(All, SmoothingKernels,
                         testing::Values(SmoothingKernel::gaussian, SmoothingKernel::epanechnikov,
                                         SmoothingKernel::tophat, SmoothingKernel::linear),
                         [](const auto& test) { return std::string(to_string(test.param)); });

TEST_P(SmoothingKernels, NameGoesBothWays) {
  EXPECT_EQ(parse_smoothing_kernel(to_string(GetParam())).value(), GetParam());
}

TEST_P(SmoothingKernels, RunsFromZeroToOneWithHalfInTheMiddle) {
  EXPECT_EQ(kernel_cdf(GetParam(), 0.0), 0.5);
  EXPECT_EQ(kernel_cdf(GetParam(), -40.0), 0.0);
  EXPECT_EQ(kernel_cdf(GetParam(), 40.0), 1.0);
  EXPECT_NEAR(kernel_density(GetParam(), 40.0), 0.0, 1e-300);
}

TEST_P(SmoothingKernels, IsSymmetric) {
  for (double u = 0.0; u < 1.2; u += 0.01) {
    EXPECT_EQ(kernel_density(GetParam(), u), kernel_density(GetParam(), -u));
    EXPECT_NEAR(kernel_cdf(GetParam(), u) + kernel_cdf(GetParam(), -u), 1.0, 1e-15);
  }
}

TEST_P(SmoothingKernels, DensityIsTheDerivative) {
  constexpr double step = 1e-5;
  for (double u = -1.195; u < 1.2; u += 0.01) {
    const double slope =
        (kernel_cdf(GetParam(), u + step) - kernel_cdf(GetParam(), u - step)) / (2 * step);
    EXPECT_NEAR(slope, kernel_density(GetParam(), u), 1e-9) << u;
  }
}

TEST(SmoothingKernel, CompactTailsKeepRelativeAccuracy) {
  const double t = std::ldexp(1.0, -40);
  EXPECT_DOUBLE_EQ(kernel_cdf(SmoothingKernel::linear, -1.0 + t), 0.5 * t * t);
  EXPECT_DOUBLE_EQ(kernel_cdf(SmoothingKernel::epanechnikov, -1.0 + t), 0.25 * t * t * (3.0 - t));
}

TEST(SmoothingKernel, UnknownNameIsAnError) {
  EXPECT_EQ(
      to_string(parse_smoothing_kernel("box").error()),
      "smoothing kernel: unknown name, got box, want gaussian, epanechnikov, tophat or linear");
}

}  // namespace
}  // namespace bhroute::stats
