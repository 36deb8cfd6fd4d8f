#include "../../src/evaluation/layer_shares.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <limits>

namespace bhroute::evaluation {
namespace {

double cost(const LayerLosses& losses, const std::map<int, std::size_t>& shares) {
  double sum = 0.0;
  for (const auto& [layer, k] : shares) sum += losses.at(layer).at(k);
  return sum;
}

TEST(LayerShares, GivesTheExpertWhereItIsWorthMost) {
  const LayerLosses losses{{0, {{1, 5.0}, {2, 1.0}, {3, 0.9}}},
                           {4, {{1, 2.0}, {2, 1.9}, {3, 1.8}}}};
  EXPECT_EQ(cheapest_shares(losses, 3), (std::map<int, std::size_t>{{0, 2}, {4, 1}}));
}

TEST(LayerShares, WithoutAChoiceOfThatSumThereIsNone) {
  EXPECT_TRUE(cheapest_shares({{0, {{1, 1.0}}}}, 2).empty());
}

RC_GTEST_PROP(LayerShares, EqualsTryingEverything, ()) {
  LayerLosses losses;
  for (int layer : {0, 1, 2})
    for (std::size_t k : {1u, 2u, 4u}) losses[layer][k] = *rc::gen::inRange(-50, 50);
  const auto total = *rc::gen::inRange<std::size_t>(3, 13);
  double least = std::numeric_limits<double>::infinity();
  for (const auto& [a, x] : losses[0])
    for (const auto& [b, y] : losses[1])
      for (const auto& [c, z] : losses[2])
        if (a + b + c == total) least = std::min(least, x + y + z);
  const auto shares = cheapest_shares(losses, total);
  RC_ASSERT(shares.empty() == (least == std::numeric_limits<double>::infinity()));
  if (!shares.empty()) RC_ASSERT(cost(losses, shares) == least);
}

}  // namespace
}  // namespace bhroute::evaluation
