#include "bhroute/stats/block_bootstrap.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <random>
#include <vector>

namespace bhroute::stats {
namespace {

using Values = std::vector<double>;
using Sizes = std::vector<std::size_t>;

TEST(BlockBootstrap, TwoBlocksByHand) {
  // Resamples of {0, 0}, {1, 1} are 0, 1/2, 1 with shares 1/4, 1/2, 1/4: every quantile below 1/4
  // is 0.
  const auto found = block_bootstrap_mean(Values{0, 0, 1, 1}, Sizes{2, 2});
  ASSERT_TRUE(found);
  EXPECT_EQ(found->estimate, 0.5);
  EXPECT_EQ(found->low, 0.0);
  EXPECT_EQ(found->high, 1.0);
  const auto narrow = block_bootstrap_mean(Values{0, 0, 1, 1}, Sizes{2, 2}, {.confidence = 0.3});
  EXPECT_EQ(narrow->low, 0.5);
  EXPECT_EQ(narrow->high, 0.5);
}

TEST(BlockBootstrap, BlocksOfUnequalSizeWeighByTheirTokens) {
  // {3} and {0, 0, 0}: means 3, 0 or 3/4 (one of each).
  const auto found = block_bootstrap_mean(Values{3, 0, 0, 0}, Sizes{1, 3}, {.confidence = 0.3});
  EXPECT_EQ(found->estimate, 0.75);
  EXPECT_EQ(found->low, 0.75);
  const auto wide = block_bootstrap_mean(Values{3, 0, 0, 0}, Sizes{1, 3});
  EXPECT_EQ(wide->low, 0.0);
  EXPECT_EQ(wide->high, 3.0);
}

TEST(BlockBootstrap, AConstantHasNoWidth) {
  const auto found = block_bootstrap_mean(Values(12, 0.25), Sizes{4, 4, 4});
  EXPECT_EQ(found->low, 0.25);
  EXPECT_EQ(found->high, 0.25);
  EXPECT_TRUE(found->excludes_zero());
}

TEST(BlockBootstrap, TheSeedDecidesTheBounds) {
  const Values values{0.3, -0.1, 0.8, 0.2, 0.5, -0.4};
  const Sizes sizes{1, 1, 1, 1, 1, 1};
  const BootstrapOptions options{.num_resamples = 200};
  const auto first = block_bootstrap_mean(values, sizes, options);
  const auto again = block_bootstrap_mean(values, sizes, options);
  const auto other = block_bootstrap_mean(values, sizes, {.num_resamples = 200, .seed = 2});
  EXPECT_EQ(first->low, again->low);
  EXPECT_EQ(first->high, again->high);
  EXPECT_TRUE(first->low != other->low || first->high != other->high);
}

// Values that are equal within a block carry one block's information, however many there are.
TEST(BlockBootstrap, DependenceWithinABlockWidensTheInterval) {
  std::mt19937_64 engine(7);
  std::normal_distribution<double> normal;
  Values values;
  for (int block = 0; block < 30; ++block) values.insert(values.end(), 50, normal(engine));
  const auto blocks = block_bootstrap_mean(values, Sizes(30, 50));
  const auto tokens = block_bootstrap_mean(values, Sizes(1500, 1), {.num_resamples = 2000});
  const double ratio = (blocks->high - blocks->low) / (tokens->high - tokens->low);
  EXPECT_NEAR(ratio, std::sqrt(50.0), 0.8);
}

// Of 95 % intervals about 95 % hold the truth; percentile intervals of 30 blocks somewhat fewer.
TEST(BlockBootstrap, CoversAsOftenAsItSays) {
  std::mt19937_64 engine(11);
  std::normal_distribution<double> normal;
  int covered = 0;
  const int trials = 600;
  for (int trial = 0; trial < trials; ++trial) {
    Values values;
    for (int block = 0; block < 30; ++block) {
      const double shift = 0.5 * normal(engine);
      for (int i = 0; i < 4; ++i) values.push_back(shift + normal(engine));
    }
    const auto found = block_bootstrap_mean(values, Sizes(30, 4), {.num_resamples = 500});
    covered += found->low <= 0.0 && 0.0 <= found->high ? 1 : 0;
  }
  EXPECT_GT(covered, 0.90 * trials);
  EXPECT_LT(covered, 0.985 * trials);
}

TEST(BlockBootstrap, TheDifferenceIsPaired) {
  const Values a{1, 2, 3, 4}, b{0.5, 1.5, 2.5, 3.5};
  const auto found = block_bootstrap_difference(a, b, Sizes{2, 2});
  EXPECT_DOUBLE_EQ(found->estimate, 0.5);
  EXPECT_DOUBLE_EQ(found->low, 0.5);
  EXPECT_DOUBLE_EQ(found->high, 0.5);
  EXPECT_LT(block_bootstrap_difference(b, a, Sizes{2, 2})->high, 0.0);
}

TEST(BlockBootstrap, Refuses) {
  const Values two{1, 2};
  EXPECT_EQ(block_bootstrap_mean({}, Sizes{0, 0}).error().what, "no values");
  EXPECT_EQ(block_bootstrap_mean(two, Sizes{2}).error().what, "too few blocks");
  EXPECT_EQ(block_bootstrap_mean(two, Sizes{1, 2}).error().what,
            "the blocks do not add up to the values");
  EXPECT_EQ(block_bootstrap_mean(two, Sizes{1, 1}, {.confidence = 1.0}).error().what,
            "confidence out of range");
  EXPECT_EQ(block_bootstrap_mean(two, Sizes{1, 1}, {.num_resamples = 0}).error().what,
            "no resamples");
  EXPECT_EQ(block_bootstrap_difference(two, Values{1}, Sizes{1, 1}).error().what,
            "the two runs have different numbers of values");
}

TEST(BlockBootstrap, AnEmptyBlockAddsNothing) {
  const auto found = block_bootstrap_mean(Values{2, 2}, Sizes{0, 2});
  EXPECT_EQ(found->low, 2.0);
  EXPECT_EQ(found->high, 2.0);
}

}  // namespace
}  // namespace bhroute::stats
