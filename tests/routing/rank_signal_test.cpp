#include "../../src/routing/rank_signal.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

namespace bhroute::routing {
namespace {

std::size_t count(const PolicySpec& spec, const std::vector<float>& logits) {
  return rank_signal_count(spec, plain_softmax(logits));
}

/// Softmax 1/2, 1/4, 1/4.
const std::vector<float> kLogits{std::log(2.0f), 0.0f, 0.0f};

TEST(RankSignal, FollowsTheRankedLogProbability) {
  PolicySpec spec{
      .rule = Rule::rank_signal, .max_k = 8, .rank = 2, .k0 = 4.0, .gain = 1.0, .sd = 0.5};
  spec.mean = std::log(0.25) - 0.5 * 1.4;  // z = 1.4
  EXPECT_EQ(count(spec, kLogits), 5u);
  spec.gain = 2.0;
  EXPECT_EQ(count(spec, kLogits), 7u);
  spec.gain = -1.0;
  EXPECT_EQ(count(spec, kLogits), 3u);
  spec.rank = 1;  // z = 1.4 + 2 ln 2
  EXPECT_EQ(count(spec, kLogits), 1u);
}

TEST(RankSignal, KeepsToTheBand) {
  PolicySpec spec{.rule = Rule::rank_signal, .min_k = 4, .max_k = 6, .rank = 2, .mean = -100.0};
  EXPECT_EQ(count(spec, kLogits), 6u);
  spec.mean = 100.0;
  EXPECT_EQ(count(spec, kLogits), 4u);
  const float infinity = std::numeric_limits<float>::infinity();
  EXPECT_EQ(count(spec, {infinity, 0.0f, 1.0f}), 4u) << "log 0";
  spec.gain = 0.0;
  EXPECT_EQ(count(spec, {infinity, 0.0f, 1.0f}), 5u) << "nothing is gained: k0";
}

TEST(RankSignal, DitherKeepsTheMean) {
  std::mt19937 random(7);
  std::normal_distribution<float> normal;
  const PolicySpec spec{
      .rule = Rule::rank_signal, .max_k = 8, .rank = 3, .k0 = 4.3, .gain = 0.0, .dither = true};
  double sum = 0.0;
  constexpr int kTokens = 20000;
  for (int i = 0; i < kTokens; ++i) {
    std::vector<float> logits(16);
    for (float& r : logits) r = normal(random);
    const std::size_t k = count(spec, logits);
    EXPECT_TRUE(k == 4 || k == 5);
    std::shuffle(logits.begin(), logits.end(), random);
    EXPECT_EQ(count(spec, logits), k) << "the order of experts does not matter";
    sum += static_cast<double>(k);
  }
  EXPECT_NEAR(sum / kTokens, 4.3, 4 * 0.46 / std::sqrt(kTokens));
}

TEST(RankSignal, DitherIsFixedForEver) {
  EXPECT_DOUBLE_EQ(own_dither(1.5f, -0.25f), own_dither(1.5f, -0.25f));
  EXPECT_EQ(own_dither(0.0f, 1.0f), own_dither(-0.0f, 1.0f));
  EXPECT_NE(own_dither(1.0f, 2.0f), own_dither(2.0f, 1.0f));
}

}  // namespace
}  // namespace bhroute::routing
