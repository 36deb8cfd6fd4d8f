#include "../../src/routing/rival_count.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "../../src/routing/plain_softmax.h"

namespace bhroute::routing {
namespace {

/// Softmax 8/16, 4/16, 2/16, 1/16, 1/16: log-probabilities and entropy by hand.
const std::vector<float> kLogits = [] {
  std::vector<float> logits;
  for (float p : {8.0f, 1.0f, 4.0f, 2.0f, 1.0f}) logits.push_back(std::log(p));
  return logits;
}();
const double kEntropy = std::log(2.0) * (0.5 * 1 + 0.25 * 2 + 0.125 * 3 + 0.125 * 4);

std::size_t count(PolicySpec spec) {
  if (spec.max_k == 8) spec.max_k = 5;
  return rival_count(spec, kLogits);
}

TEST(RivalCount, RatiosToTheLargest) {
  EXPECT_EQ(count({.rule = Rule::ser, .t = 0.4}), 2u);
  EXPECT_EQ(count({.rule = Rule::ser, .min_k = 4, .t = 0.4}), 4u) << "min_k first, then the ratio";
  EXPECT_EQ(count({.rule = Rule::ser, .t = 1.0}), 1u) << "the largest is not above itself: min_k";
  EXPECT_EQ(count({.rule = Rule::min_p, .m = 0.2}), 3u);
  EXPECT_EQ(count({.rule = Rule::min_p, .m = 1.0}), 1u);
  EXPECT_EQ(count({.rule = Rule::skip_ratio, .max_k = 2, .beta = 0.6}), 1u);
  EXPECT_EQ(count({.rule = Rule::skip_ratio, .max_k = 2, .beta = 0.4}), 2u);
}

TEST(RivalCount, MassAndLevel) {
  EXPECT_EQ(count({.rule = Rule::top_p, .p = 0.4}), 1u);
  EXPECT_EQ(count({.rule = Rule::top_p, .p = 0.7}), 2u);
  EXPECT_EQ(count({.rule = Rule::top_p, .p = 0.9}), 4u);
  EXPECT_EQ(count({.rule = Rule::top_p, .p = 1.0}), 5u);
  EXPECT_EQ(count({.rule = Rule::prob_threshold, .level = 0.2}), 2u);
  EXPECT_EQ(count({.rule = Rule::prob_threshold, .level = 0.9}), 1u);
  EXPECT_EQ(count({.rule = Rule::prob_threshold, .level = 0.0}), 5u);
}

TEST(RivalCount, EntropyBins) {
  const auto with_edge = [](double edge) {
    return count({.rule = Rule::entropy, .edges = {0.1, edge}, .counts = {1, 2, 4}});
  };
  EXPECT_EQ(with_edge(kEntropy + 1e-6), 2u);
  EXPECT_EQ(with_edge(kEntropy - 1e-6), 4u);
  EXPECT_EQ(count({.rule = Rule::entropy, .counts = {3}}), 3u);
}

TEST(RivalCount, StaysWithinBoundsAndNumbers) {
  EXPECT_EQ(count({.rule = Rule::top_p, .max_k = 2, .p = 1.0}), 2u);
  EXPECT_EQ(count({.rule = Rule::top_k, .k = 3}), 3u);
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(rival_count({.rule = Rule::top_k, .k = 3}, std::vector<float>{nan, 1.0f, nan}), 1u);
  EXPECT_EQ(rival_count({.rule = Rule::top_p}, std::vector<float>{nan, nan}), 0u);
}

}  // namespace
}  // namespace bhroute::routing
