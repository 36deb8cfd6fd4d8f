#include "bhroute/stats/counted_sample.h"

#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

#include <limits>
#include <random>

#include "stats/reference_table.h"
#include "stats/sample_generators.h"

namespace bhroute::stats {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

std::string error_of(std::vector<float> values, std::vector<std::uint64_t> counts) {
  const auto result = CountedSample::create(std::move(values), std::move(counts), "layer 3");
  if (result) return "no error";
  EXPECT_EQ(result.error().kind, ErrorKind::invalid_input);
  return to_string(result.error());
}

TEST(PValueForm, NamesGoBothWays) {
  for (const auto form : {PValueForm::conformal, PValueForm::gridded})
    EXPECT_EQ(parse_p_value_form(to_string(form)).value(), form);
  EXPECT_EQ(to_string(parse_p_value_form("exact").error()),
            "p-value form: unknown name, got exact, want conformal or gridded");
}

TEST(CountedSample, EqualsCountingTheWholeSample) {
  for (const auto& c : reference_cases("counting")) {
    const auto sample = CountedSample::create(c["values"], c["counts"]).value();
    const auto z = doubles(c["z"]), conformal = doubles(c["conformal"]),
               gridded = doubles(c["gridded"]);
    for (std::size_t i = 0; i < z.size(); ++i) {
      EXPECT_EQ(sample.conformal_p_value(z[i]), conformal[i]) << z[i];
      EXPECT_EQ(sample.gridded_p_value(z[i]), gridded[i]) << z[i];
    }
  }
}

TEST(CountedSample, CountsWithMultiplicity) {
  const auto sample = CountedSample::create({-1.0F, 0.0F, 2.0F}, {3, 1, 4}).value();
  EXPECT_EQ(sample.size(), 8u);
  EXPECT_THAT(sample.counts(), ElementsAre(3, 1, 4));
  EXPECT_EQ(sample.count(2), 4u);
  EXPECT_EQ(sample.count_from(1), 5u);
  EXPECT_EQ(sample.count_from(3), 0u);
  EXPECT_EQ(sample.count_at_least(0.0), 5u);
  EXPECT_EQ(sample.count_at_least(-0.0), 5u);
  EXPECT_EQ(sample.count_at_least(1e-300), 4u);
}

TEST(CountedSample, InfinitiesAndNaN) {
  const auto sample = CountedSample::create({-1.0F, 2.0F}, {3, 1}).value();
  EXPECT_EQ(sample.conformal_p_value(kInf), 0.2);
  EXPECT_EQ(sample.gridded_p_value(kInf), 0.0);
  EXPECT_EQ(sample.conformal_p_value(-kInf), 1.0);
  EXPECT_EQ(sample.gridded_p_value(-kInf), 1.0);
  EXPECT_EQ(sample.count_at_least(kNaN), 4u);
  EXPECT_EQ(sample.conformal_p_value(kNaN), 1.0);
  EXPECT_EQ(sample.gridded_p_value(kNaN), 1.0);
}

TEST(CountedSample, RefusesWhatIsNoSample) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
  EXPECT_EQ(error_of({}, {}), "layer 3: empty sample, want at least one value");
  EXPECT_THAT(error_of({1}, {1, 2}), HasSubstr("values and counts differ in length, got 1 and 2"));
  EXPECT_THAT(error_of({1, nan}, {1, 1}), HasSubstr("value [1] is not finite, got nan"));
  EXPECT_THAT(error_of({1, 1}, {1, 1}), HasSubstr("values do not rise at [1], got 1 after 1"));
  EXPECT_THAT(error_of({-0.0F, 0.0F}, {1, 1}), HasSubstr("values do not rise at [1]"));
  EXPECT_THAT(error_of({1, 2}, {1, 0}),
              HasSubstr("count [1] is too small, got 0, want at least 1"));
  EXPECT_THAT(error_of({1, 2}, {1, most}), HasSubstr("counts are too large"));
  EXPECT_EQ(error_of({1, 2}, {1, most - 1}), "no error");
}

RC_GTEST_PROP(CountedSample, MergeIsTheSampleOfBoth, ()) {
  const auto a = *draws(), b = *draws();
  std::vector<float> both = a;
  both.insert(both.end(), b.begin(), b.end());
  const CountedSample merged = CountedSample::merge(counted(a), counted(b)),
                      expected = counted(both);
  RC_ASSERT(merged.counts() == expected.counts());
  RC_ASSERT(std::equal(merged.values().begin(), merged.values().end(), expected.values().begin(),
                       expected.values().end()));
  RC_ASSERT(merged.size() == a.size() + b.size());
}

RC_GTEST_PROP(CountedSample, PValuesStayInRangeAndNeverRise, ()) {
  const CountedSample sample = counted(*draws());
  double conformal = 1.0, gridded = 1.0;
  for (double z = -6.0; z <= 6.0; z += 1.0 / 16) {
    RC_ASSERT(sample.conformal_p_value(z) > 0.0);
    RC_ASSERT(sample.conformal_p_value(z) <= conformal);
    RC_ASSERT(sample.gridded_p_value(z) >= 0.0);
    RC_ASSERT(sample.gridded_p_value(z) <= gridded);
    conformal = sample.conformal_p_value(z);
    gridded = sample.gridded_p_value(z);
  }
}

// Under H0 the conformal p-value is uniform on {1/(n+1), ..., 1}: calibration and test value are
// exchangeable. Kolmogorov-Smirnov at the 1 % level (1.63/sqrt(trials)), one fixed seed.
TEST(CountedSample, ConformalPValuesAreUniform) {
  constexpr int kTrials = 4000, kN = 99;
  std::mt19937_64 random(20240607);
  std::normal_distribution<float> normal;
  std::vector<int> tally(kN + 2, 0);
  for (int trial = 0; trial < kTrials; ++trial) {
    std::vector<float> calibration(kN);
    for (float& value : calibration) value = normal(random);
    const double p = counted(calibration).conformal_p_value(normal(random));
    ++tally[static_cast<std::size_t>(std::lround(p * (kN + 1)))];
  }
  EXPECT_EQ(tally[0], 0);
  double distance = 0.0, below = 0.0;
  for (int k = 1; k <= kN + 1; ++k) {
    below += tally[static_cast<std::size_t>(k)] / double{kTrials};
    distance = std::max(distance, std::abs(below - k / (kN + 1.0)));
  }
  EXPECT_LT(distance, 1.63 / std::sqrt(kTrials));
}

}  // namespace
}  // namespace bhroute::stats
