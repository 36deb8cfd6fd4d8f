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

TEST(PolicySpec, ATunersIllFormedOverrideIsRefused) {
  PolicySpec spec;
  spec.layers[2]["t"] = 0.3;
  EXPECT_THAT(error_of(spec), ::testing::HasSubstr("unknown key of bh"));
  spec.layers[2] = {{"alpha", std::size_t{1}}};
  EXPECT_EQ(error_of(spec), "layers.2.alpha: wrong type, want a number");
}

TEST(PolicySpec, EveryNumberHasItsBounds) {
  struct Case {
    Rule rule;
    const char* key;
    double bad;
  };
  for (const Case& c :
       {Case{Rule::storey, "lambda", 1.0}, Case{Rule::storey, "lambda", 0.0},
        Case{Rule::e_bh, "kappa", 1.0}, Case{Rule::hc_star, "beta", 0.0},
        Case{Rule::hc_star, "beta", 1.5}, Case{Rule::ser, "t", -0.1}, Case{Rule::top_p, "p", 0.0},
        Case{Rule::min_p, "m", 1.5}, Case{Rule::prob_threshold, "level", 2.0},
        Case{Rule::rank_signal, "sd", 0.0}, Case{Rule::rank_signal, "k0", std::nan("")},
        Case{Rule::rank_signal, "gain", INFINITY}}) {
    PolicySpec spec{.rule = c.rule};
    ASSERT_EQ(error_of(spec), "");
    ASSERT_TRUE(set_parameter(spec, c.key, c.bad));
    EXPECT_THAT(error_of(spec), ::testing::StartsWith(c.key)) << c.bad;
  }
}

TEST(PolicySpec, CountsByLayer) {
  const PolicySpec spec{.rule = Rule::top_k_per_layer, .ks = {3, 9, 4}};
  EXPECT_EQ(spec.largest_k(), 9u);
  EXPECT_EQ(spec.for_layer(2), (PolicySpec{.rule = Rule::top_k, .k = 4}));
  EXPECT_EQ(to_string(spec), "top_k_per_layer:ks=3/9/4,weights=native");
}

TEST(PolicySpec, ShortForm) {
  EXPECT_EQ(to_string(PolicySpec{.max_k = 16}), "bh:alpha=0.05,min_k=1,max_k=16,weights=native");
  EXPECT_EQ(to_string(PolicySpec{.rule = Rule::top_k, .k = 5, .weights = WeightRule::mass}),
            "top_k:k=5,weights=mass");
}

}  // namespace
}  // namespace bhroute::routing
