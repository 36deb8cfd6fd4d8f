#include "../../src/evaluation/tune_entry.h"

#include <gtest/gtest.h>

namespace bhroute::evaluation {
namespace {

using routing::Rule;
using routing::WeightRule;

Entry entry(Rule rule, std::size_t k, double mean, std::vector<float> losses) {
  Entry one;
  one.candidate.rule = rule;
  one.candidate.k = k;
  one.solved.policy.rule = rule;
  one.solved.policy.k = k;
  one.solved.policy.weights = WeightRule::mass;
  one.losses = std::move(losses);
  one.num_windows = 2;
  one.sum_of_means = 2.0 * mean;
  return one;
}

const std::vector<Entry> kFixed{entry(Rule::top_k, 4, 4, {3, 3, 3, 3}),
                                entry(Rule::top_k, 5, 5, {1, 1, 2, 2})};

TEST(StaticCurve, InterpolatesAtTheEntrysOwnMean) {
  const StaticCurve curve(kFixed, 2, 4, 8);
  const Entry half = entry(Rule::bh, 0, 4.5, {2, 2, 2.5, 2.25});
  // The curve at 4.5: 2, 2, 2.5, 2.5.
  EXPECT_NEAR(*curve.difference(half, WeightRule::mass), -0.0625, 1e-12);
  const std::vector<std::size_t> blocks{2, 2};
  const auto interval = curve.interval(half, WeightRule::mass, blocks);
  ASSERT_TRUE(interval);
  EXPECT_NEAR(interval->estimate, -0.0625, 1e-12);
  EXPECT_NEAR(interval->low, -0.125, 1e-12);
}

TEST(StaticCurve, BeyondItsEndsThereIsNothing) {
  const StaticCurve curve(kFixed, 2, 4, 8);
  EXPECT_FALSE(curve.difference(entry(Rule::bh, 0, 5.5, {1, 1, 1, 1}), WeightRule::mass));
}

TEST(StaticCurve, EntriesThatRanLessTakeNoPart) {
  EXPECT_FALSE(StaticCurve(kFixed, 3, 4, 8)
                   .difference(entry(Rule::bh, 0, 4.5, {2, 2, 2, 2}), WeightRule::mass));
}

TEST(PartOf, KeepsTheTokenThatFollows) {
  const WindowedText text{{0, 1, 2, 3, 4, 5, 6, 7, 8}, 2, 4};
  const auto middle = part_of(text, 1, 2);
  EXPECT_EQ(middle.num_windows, 2u);
  EXPECT_EQ(middle.tokens, (std::vector<Token>{2, 3, 4, 5, 6}));
  EXPECT_EQ(part_of({{0, 1, 2, 3}, 2, 2}, 1, 1).tokens, (std::vector<Token>{2, 3}));
}

TEST(Entry, MeanLoss) { EXPECT_DOUBLE_EQ(kFixed[1].loss(), 1.5); }

}  // namespace
}  // namespace bhroute::evaluation
