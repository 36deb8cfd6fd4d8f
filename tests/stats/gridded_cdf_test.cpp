#include "bhroute/stats/gridded_cdf.h"

#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "stats/reference_table.h"

namespace bhroute::stats {
namespace {

using testing::HasSubstr;
constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

GriddedCdf make(std::vector<double> x, std::vector<double> cdf) {
  return GriddedCdf::create(std::move(x), std::move(cdf)).value();
}

std::string error_of(std::vector<double> x, std::vector<double> cdf) {
  const auto result = GriddedCdf::create(std::move(x), std::move(cdf), "layer 3");
  if (result) return "no error";
  EXPECT_EQ(result.error().kind, ErrorKind::invalid_input);
  return to_string(result.error());
}

TEST(GriddedCdf, EqualsNumpysInterp) {
  for (const auto& c : reference_cases("interp")) {
    const GriddedCdf grid = make(doubles(c["x"]), doubles(c["cdf"]));
    const auto z = doubles(c["z"]), f = doubles(c["f"]);
    for (std::size_t i = 0; i < z.size(); ++i) EXPECT_NEAR(grid.cdf(z[i]), f[i], 1e-15) << z[i];
  }
}

TEST(GriddedCdf, TakesTheEndValuesBeyondTheGrid) {
  const GriddedCdf grid = make({-1.0, 0.0, 2.0}, {0.1, 0.5, 0.9});
  EXPECT_EQ(grid.cdf(-1.5), 0.1);
  EXPECT_EQ(grid.cdf(-kInf), 0.1);
  EXPECT_EQ(grid.cdf(3.0), 0.9);
  EXPECT_EQ(grid.cdf(kInf), 0.9);
  EXPECT_EQ(grid.p_value(kInf), 1.0 - 0.9);
  EXPECT_EQ(grid.cdf(1.0), 0.7);
  EXPECT_EQ(grid.cdf(0.0), 0.5);
  EXPECT_TRUE(std::isnan(grid.cdf(kNaN)));
  EXPECT_TRUE(std::isnan(grid.p_value(kNaN)));
}

TEST(GriddedCdf, StaysInItsSegmentWhereTheSlopeOverflows) {
  const GriddedCdf steep = make({0.0, 5e-324, 1e-323, 1.0}, {0.0, 0.5, 0.75, 1.0});
  EXPECT_EQ(steep.cdf(0.0), 0.0);
  EXPECT_EQ(steep.cdf(5e-324), 0.5);
  const GriddedCdf wide = make({-1.7e308, 1.7e308}, {0.25, 0.75});
  EXPECT_EQ(wide.cdf(1.6e308), 0.25);
  EXPECT_EQ(wide.cdf(1.7e308), 0.75);
}

// Here numpy.interp itself oversteps: 0.99 + 1.1e-16 a step before x = 3.
TEST(GriddedCdf, DoesNotOverstepASegmentByRounding) {
  const GriddedCdf grid = make({-3.5, 3.0, 4.0}, {0.05, 0.99, 1.0});
  EXPECT_EQ(grid.cdf(std::nextafter(3.0, 0.0)), 0.99);
}

TEST(GriddedCdf, RefusesWhatIsNoCdf) {
  EXPECT_EQ(error_of({0, 1}, {0, 0.5, 1}),
            "layer 3: x and cdf differ in length, got 2 and 3, want equal lengths");
  EXPECT_THAT(error_of({0}, {1}), HasSubstr("too few grid points, got 1, want at least 2"));
  EXPECT_THAT(error_of({}, {}), HasSubstr("too few grid points"));
  EXPECT_THAT(error_of({0, kInf}, {0, 1}), HasSubstr("x[1] is not finite, got inf"));
  EXPECT_THAT(error_of({0, 1}, {0, kNaN}), HasSubstr("cdf[1] is out of range, got nan"));
  EXPECT_THAT(error_of({0, 1}, {0, 1.5}), HasSubstr("cdf[1] is out of range, got 1.5"));
  EXPECT_THAT(error_of({0, 1}, {-0.5, 1}), HasSubstr("cdf[0] is out of range, got -0.5"));
  EXPECT_THAT(error_of({0, 1, 1}, {0, 0.5, 1}), HasSubstr("x does not rise at [2], got 1 after 1"));
  EXPECT_THAT(error_of({0, 1, 2}, {0, 0.5, 0.25}),
              HasSubstr("cdf falls at [2], got 0.25 after 0.5"));
}

// Random grids; queries crowd the ends of segments, an ulp apart, where rounding could make a fall.
RC_GTEST_PROP(GriddedCdf, NeverFalls, ()) {
  std::mt19937_64 random(*rc::gen::arbitrary<std::uint64_t>());
  std::uniform_real_distribution<double> uniform(0.0, 1.0);
  std::vector<double> x(50), cdf(50), z;
  for (double& value : x) value = 20.0 * uniform(random) - 10.0;
  for (double& value : cdf) value = uniform(random);
  std::sort(x.begin(), x.end());
  std::sort(cdf.begin(), cdf.end());
  for (double point : x) {
    z.push_back(point + 0.1 * uniform(random));
    for (int i = 0; i < 3; ++i) point = std::nextafter(point, -kInf);
    for (int i = 0; i < 6; ++i) z.push_back(point = std::nextafter(point, kInf));
  }
  std::sort(z.begin(), z.end());
  const GriddedCdf grid = make(x, cdf);
  for (std::size_t i = 1; i < z.size(); ++i) RC_ASSERT(grid.cdf(z[i - 1]) <= grid.cdf(z[i]));
}

}  // namespace
}  // namespace bhroute::stats
