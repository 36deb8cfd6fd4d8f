#include "bhroute/stats/benjamini_hochberg.h"

#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>

#include "stats/reference_table.h"

namespace bhroute::stats {
namespace {

using testing::ElementsAre;
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

std::string as_text(const std::vector<std::uint8_t>& mask) {
  std::string text;
  for (const std::uint8_t rejected : mask) text += rejected ? '1' : '0';
  return text;
}

// p-values in units of 1/64 are often equal to each other and to critical values.
rc::Gen<std::vector<double>> p_values() {
  const auto coarse = rc::gen::map(rc::gen::inRange(0, 65), [](int i) { return i / 64.0; });
  const auto fine = rc::gen::map(rc::gen::inRange(0, 1000001), [](int i) { return i * 1e-7; });
  return rc::gen::nonEmpty(rc::gen::container<std::vector<double>>(rc::gen::oneOf(coarse, fine)));
}

rc::Gen<double> alphas() {
  return rc::gen::map(rc::gen::inRange(1, 1000), [](int i) { return i / 1000.0; });
}

TEST(BenjaminiHochberg, EqualsStatsmodels) {
  for (const auto& c : reference_cases("benjamini_hochberg")) {
    const TestResult result = benjamini_hochberg(doubles(c["p"]), c["alpha"]);
    const std::string rejected = c["rejected"];
    EXPECT_EQ(as_text(result.mask), rejected) << c.dump();
    EXPECT_EQ(result.num_rejections, std::count(rejected.begin(), rejected.end(), '1'));
    EXPECT_EQ(result.adjusted_p_values, doubles(c["adjusted"])) << c.dump();
  }
}

TEST(BenjaminiHochberg, HoldsEveryIntermediateValue) {
  const std::vector<double> p{0.9, 0.02, 0.02, 0.001};
  const TestResult result = benjamini_hochberg(p, 0.05);
  EXPECT_EQ(result.p_values, p);
  EXPECT_THAT(result.order, ElementsAre(3, 1, 2, 0));
  EXPECT_THAT(result.critical_values, ElementsAre(0.0125, 0.025, 0.75 * 0.05, 0.05));
  EXPECT_THAT(result.adjusted_p_values, ElementsAre(0.9, 0.02 / 0.75, 0.02 / 0.75, 0.004));
  EXPECT_THAT(result.mask, ElementsAre(0, 1, 1, 1));
  EXPECT_EQ(result.num_rejections, 3u);
}

TEST(BenjaminiHochberg, OfNothingRejectsNothing) {
  const TestResult result = benjamini_hochberg({}, 0.05);
  EXPECT_EQ(result.num_rejections, 0u);
  EXPECT_TRUE(result.mask.empty());
}

TEST(BenjaminiHochberg, NaNSortsLastAndIsNeverRejected) {
  const std::vector<double> p{kNaN, 0.001, kNaN, 0.01};
  const TestResult result = benjamini_hochberg(p, 0.05);
  EXPECT_THAT(result.order, ElementsAre(1, 3, 0, 2));
  EXPECT_THAT(result.mask, ElementsAre(0, 1, 0, 1));
  EXPECT_TRUE(std::isnan(result.adjusted_p_values[0]));
  EXPECT_DOUBLE_EQ(result.adjusted_p_values[3], 0.02);
}

TEST(BhCriticalValues, DivideBeforeTheyMultiply) {
  const std::vector<double> c = bh_critical_values(49, 0.1);
  for (std::size_t k = 1; k <= 49; ++k) EXPECT_EQ(c[k - 1], (static_cast<double>(k) / 49.0) * 0.1);
}

RC_GTEST_PROP(BenjaminiHochberg, MaskGrowsWithAlpha, ()) {
  const auto p = *p_values();
  double small = *alphas(), large = *alphas();
  if (small > large) std::swap(small, large);
  const TestResult a = benjamini_hochberg(p, small), b = benjamini_hochberg(p, large);
  for (std::size_t i = 0; i < p.size(); ++i) RC_ASSERT(a.mask[i] <= b.mask[i]);
}

RC_GTEST_PROP(BenjaminiHochberg, FollowsAPermutation, ()) {
  const auto p = *p_values();
  const double alpha = *alphas();
  std::vector<std::size_t> permutation(p.size());
  std::iota(permutation.begin(), permutation.end(), std::size_t{0});
  std::shuffle(permutation.begin(), permutation.end(),
               std::mt19937(*rc::gen::arbitrary<unsigned>()));
  std::vector<double> permuted;
  for (const std::size_t i : permutation) permuted.push_back(p[i]);
  const TestResult a = benjamini_hochberg(p, alpha), b = benjamini_hochberg(permuted, alpha);
  for (std::size_t j = 0; j < p.size(); ++j) {
    RC_ASSERT(b.mask[j] == a.mask[permutation[j]]);
    RC_ASSERT(b.adjusted_p_values[j] == a.adjusted_p_values[permutation[j]]);
  }
}

RC_GTEST_PROP(BenjaminiHochberg, RejectsWhatIsAdjustedToAlphaAtMost, ()) {
  const double alpha = *alphas();
  const TestResult result = benjamini_hochberg(*p_values(), alpha);
  const auto at_most = [&](double bound) {
    return static_cast<std::size_t>(std::count_if(result.adjusted_p_values.begin(),
                                                  result.adjusted_p_values.end(),
                                                  [&](double q) { return q <= bound; }));
  };
  RC_ASSERT(at_most(alpha * (1 - 1e-14)) <= result.num_rejections);
  RC_ASSERT(at_most(alpha * (1 + 1e-14)) >= result.num_rejections);
}

}  // namespace
}  // namespace bhroute::stats
