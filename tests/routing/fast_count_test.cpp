#include "../../src/routing/fast_count.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace bhroute::routing {
namespace {

TEST(FastCount, TheCriticalDifferenceIsTheSmallestThatPasses) {
  for (double t : {1e-300, 0.05, 0.3, 0.5, 0.999}) {
    const double d = critical_difference({.rule = Rule::min_p, .m = t});
    EXPECT_GE(std::exp(d), t);
    EXPECT_LT(std::exp(std::nextafter(d, -1e9)), t);
    const double strict = critical_difference({.rule = Rule::ser, .t = t});
    EXPECT_GT(std::exp(strict), t);
    EXPECT_LE(std::exp(std::nextafter(strict, -1e9)), t);
  }
  EXPECT_EQ(critical_difference({.rule = Rule::ser, .t = 1.0}), INFINITY);
  EXPECT_EQ(critical_difference({.rule = Rule::min_p, .m = 0.0}), -INFINITY);
  EXPECT_EQ(critical_difference({.rule = Rule::min_p, .m = 1.0}), std::log1p(-0x1p-54))
      << "the smallest whose exp rounds to 1";
}

TEST(FastCount, LeavesADoubtfulDecisionToTheReference) {
  // Softmax 1/2, 1/4, 1/4.
  const std::vector<float> largest{std::log(2.0f), 0.0f, 0.0f};
  const kernels::SoftmaxFacts facts{2.0, 1.5 * std::log(2.0)};
  const auto count = [&](const PolicySpec& spec) { return FastCount(spec).count(largest, facts); };
  EXPECT_EQ(count({.rule = Rule::top_p, .max_k = 3, .p = 0.7}), 2u);
  EXPECT_FALSE(count({.rule = Rule::top_p, .max_k = 3, .p = 0.75}));
  EXPECT_EQ(count({.rule = Rule::prob_threshold, .max_k = 3, .level = 0.3}), 1u);
  EXPECT_FALSE(count({.rule = Rule::prob_threshold, .max_k = 3, .level = 0.25}));
  EXPECT_EQ(count({.rule = Rule::entropy, .max_k = 3, .edges = {1.0}, .counts = {1, 3}}), 3u);
  EXPECT_FALSE(
      count({.rule = Rule::entropy, .max_k = 3, .edges = {1.5 * std::log(2.0)}, .counts = {1, 3}}));
}

TEST(FastCount, SeesAsDeepAsItsRank) {
  EXPECT_EQ(FastCount({.rule = Rule::rank_signal, .max_k = 6, .rank = 9}).depth(), 9u);
  EXPECT_EQ(FastCount({.rule = Rule::top_p, .max_k = 6, .rank = 9}).depth(), 6u);
}

}  // namespace
}  // namespace bhroute::routing
