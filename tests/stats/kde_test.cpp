#include "bhroute/stats/kde.h"

#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

#include <cmath>

#include "stats/reference_table.h"
#include "stats/sample_generators.h"

namespace bhroute::stats {
namespace {

using testing::HasSubstr;
constexpr SmoothingKernel kKernels[] = {SmoothingKernel::gaussian, SmoothingKernel::epanechnikov,
                                        SmoothingKernel::tophat, SmoothingKernel::linear};

SmoothingKernel any_kernel() { return kKernels[*rc::gen::inRange(0, 4)]; }
double any_width() { return *rc::gen::inRange(1, 40) / 10.0; }

std::string error_of(const CountedSample& sample, const KdeOptions& options) {
  const auto result = smooth(sample, options);
  return result ? "no error" : to_string(result.error());
}

TEST(KdeCdf, EqualsScipysIntegrals) {
  for (const auto& c : reference_cases("kde_cdf")) {
    const auto sample = CountedSample::create(c["values"], c["counts"]).value();
    const auto kernel = parse_smoothing_kernel(c["kernel"].get<std::string>()).value();
    const auto z = doubles(c["z"]), cdf = doubles(c["cdf"]);
    for (std::size_t i = 0; i < z.size(); ++i)
      EXPECT_NEAR(kde_cdf(sample, kernel, c["h"], z[i]), cdf[i], 1e-12) << c.dump();
  }
}

TEST(Smooth, GridSpansTheKernelsAroundTheSample) {
  const auto sample = CountedSample::create({-1.0F, 2.0F}, {1, 3}).value();
  const auto gaussian = smooth(sample, {SmoothingKernel::gaussian, 0.5, 101}).value();
  EXPECT_EQ(gaussian.x().size(), 101u);
  EXPECT_EQ(gaussian.x().front(), -3.0);
  EXPECT_EQ(gaussian.x().back(), 4.0);
  EXPECT_NEAR(gaussian.values().front(), 0.25 * kernel_cdf(SmoothingKernel::gaussian, -4.0), 1e-17);
  const auto tophat = smooth(sample, {SmoothingKernel::tophat, 0.5, 101}).value();
  EXPECT_EQ(tophat.x().front(), -1.5);
  EXPECT_EQ(tophat.x().back(), 2.5);
  EXPECT_EQ(tophat.values().front(), 0.0);
  EXPECT_EQ(KdeOptions{}.grid_size, 10000u);
}

TEST(Smooth, RefusesWhatCannotBeGridded) {
  const auto sample = CountedSample::create({1.0F}, {4}).value();
  EXPECT_EQ(error_of(sample, {SmoothingKernel::tophat, 0.5, 1}),
            "kde grid size: too small, got 1, want at least 2");
  EXPECT_THAT(error_of(sample, {}), HasSubstr("scott needs a spread"));
  EXPECT_THAT(error_of(sample, {SmoothingKernel::tophat, 1e-30, 10}),
              HasSubstr("kde grid of bandwidth 1e-30: x does not rise at [1]"));
  EXPECT_THAT(error_of(sample, {SmoothingKernel::gaussian, 1e308, 10}), HasSubstr("not finite"));
}

// Between far clusters the sums stay level and rounding alone moves them, sometimes down.
TEST(Smooth, NeverFallsByRounding) {
  for (int n = 3; n < 40; ++n) {
    std::vector<float> values;
    for (int i = 0; i < n; ++i) values.push_back(0.37F * static_cast<float>(i));
    const auto sample = CountedSample::create(values, std::vector<std::uint64_t>(values.size(), 1));
    for (const SmoothingKernel kernel : kKernels)
      EXPECT_EQ(error_of(sample.value(), {kernel, 0.02, 2000}), "no error") << n;
  }
}

RC_GTEST_PROP(Smooth, IsTheExactIntegralAtEveryGridPoint, ()) {
  const CountedSample sample = counted(*draws());
  const SmoothingKernel kernel = any_kernel();
  const double h = any_width();
  const GriddedCdf grid = smooth(sample, {kernel, h, 97}).value();
  for (std::size_t i = 0; i + 1 < grid.x().size(); ++i)
    RC_ASSERT(std::abs(grid.values()[i] - kde_cdf(sample, kernel, h, grid.x()[i])) < 1e-14);
}

// GriddedCdf itself refuses a falling cdf; what is left to show is the range and the end.
RC_GTEST_PROP(Smooth, EndsInOne, ()) {
  const GriddedCdf grid = smooth(counted(*draws(1)), {any_kernel(), any_width(), 50}).value();
  RC_ASSERT(grid.values().back() == 1.0);
  RC_ASSERT(grid.values().front() >= 0.0);
}

RC_GTEST_PROP(KdeCdf, StaysInRangeAndNeverFallsBeyondRounding, ()) {
  const CountedSample sample = counted(*draws());
  const SmoothingKernel kernel = any_kernel();
  const double h = any_width();
  double previous = 0.0;
  for (double z = -8.0; z <= 8.0; z += 0.125) {
    const double value = kde_cdf(sample, kernel, h, z);
    RC_ASSERT(value >= 0.0 && value <= 1.0 && value >= previous - 1e-15);
    previous = value;
  }
}

double density(const CountedSample& sample, SmoothingKernel kernel, double h, double z) {
  double sum = 0.0;
  for (std::size_t i = 0; i < sample.values().size(); ++i)
    sum +=
        static_cast<double>(sample.count(i)) * kernel_density(kernel, (z - sample.values()[i]) / h);
  return sum / (h * static_cast<double>(sample.size()));
}

// Off the kinks (values, and values +- h): there the two one-sided derivatives differ.
RC_GTEST_PROP(KdeCdf, DerivativeIsTheDensity, ()) {
  const CountedSample sample = counted(*draws());
  const SmoothingKernel kernel = any_kernel();
  const double h = any_width(), step = 1e-5;
  for (double z = -8.0123; z <= 8.0; z += 0.25) {
    const double slope =
        (kde_cdf(sample, kernel, h, z + step) - kde_cdf(sample, kernel, h, z - step)) / (2 * step);
    RC_ASSERT(std::abs(slope - density(sample, kernel, h, z)) < 1e-6);
  }
}

}  // namespace
}  // namespace bhroute::stats
