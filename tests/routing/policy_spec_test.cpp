#include "bhroute/routing/policy_spec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace bhroute::routing {
namespace {

std::string error_of(const PolicySpec& spec, std::size_t num_experts = 0) {
  const auto ok = validate(spec, num_experts);
  return ok ? "" : to_string(ok.error());
}

TEST(PolicySpec, TheDefaultIsValid) {
  EXPECT_EQ(error_of({}), "");
  EXPECT_EQ(error_of({}, 8), "");
  EXPECT_EQ(error_of({.rule = Rule::top_k}, 8), "");
}

TEST(PolicySpec, AlphaLiesStrictlyBetweenZeroAndOne) {
  EXPECT_EQ(error_of({.alpha = 1.5}), "alpha: out of range, got 1.5, want 0 < alpha < 1");
  for (double alpha : {0.0, 1.0, -0.1, std::nan(""), std::numeric_limits<double>::infinity()})
    EXPECT_NE(error_of({.alpha = alpha}), "") << alpha;
  EXPECT_EQ(error_of({.rule = Rule::top_k, .alpha = 7}), "") << "top_k has no alpha";
}

TEST(PolicySpec, TemperatureIsPositiveAndFinite) {
  for (double temperature : {0.0, -1.0, std::nan(""), std::numeric_limits<double>::infinity()})
    EXPECT_THAT(error_of({.temperature = temperature}),
                ::testing::HasSubstr("temperature: out of range"));
  EXPECT_EQ(error_of({.temperature = 1e-9}), "");
}

TEST(PolicySpec, CountsNameTheirBounds) {
  EXPECT_EQ(error_of({.min_k = 0}), "min_k: out of range, got 0, want 1 <= min_k <= max_k");
  EXPECT_EQ(error_of({.min_k = 4, .max_k = 3}),
            "max_k: out of range, got 3, want min_k 4 <= max_k");
  EXPECT_EQ(error_of({.max_k = 65}, 64),
            "max_k: out of range, got 65, want min_k 1 <= max_k <= 64 experts");
  EXPECT_EQ(error_of({.rule = Rule::top_k, .k = 0}), "k: out of range, got 0, want 1 <= k");
  EXPECT_EQ(error_of({.rule = Rule::top_k, .k = 9}, 8),
            "k: out of range, got 9, want 1 <= k <= 8 experts");
}

TEST(PolicySpec, LargestK) {
  EXPECT_EQ((PolicySpec{.max_k = 16, .k = 3}.largest_k()), 16u);
  EXPECT_EQ((PolicySpec{.rule = Rule::top_k, .max_k = 16, .k = 3}.largest_k()), 3u);
}

TEST(PolicySpec, ShortForm) {
  EXPECT_EQ(to_string(PolicySpec{.max_k = 16}), "bh:alpha=0.05,min_k=1,max_k=16,weights=native");
  EXPECT_EQ(to_string(PolicySpec{.rule = Rule::top_k, .k = 5, .weights = WeightRule::mass}),
            "top_k:k=5,weights=mass");
}

}  // namespace
}  // namespace bhroute::routing
