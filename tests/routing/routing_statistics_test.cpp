#include "bhroute/routing/routing_statistics.h"

#include <gtest/gtest.h>

#include <cmath>

namespace bhroute::routing {
namespace {

RoutingDecision two_tokens() {
  RoutingDecision decision;
  decision.num_tokens = 2;
  decision.num_experts = 8;
  decision.max_k = 3;
  decision.expert_ids = {4, 1, 0, 2, -1, -1};
  decision.routing_weights = {0.2f, 0.2f, 0.2f, 0.7f, 0.0f, 0.0f};
  decision.num_selected = {3, 1};
  return decision;
}

TEST(RoutingStatistics, OfTwoTokens) {
  const auto s = compute_routing_statistics(two_tokens(), 1, 3);
  EXPECT_EQ(s.num_tokens, 2u);
  EXPECT_EQ(s.mean_experts, 2.0);
  EXPECT_EQ(s.sd_experts, 1.0);
  EXPECT_EQ(s.min_experts, 1u);
  EXPECT_EQ(s.max_experts, 3u);
  EXPECT_EQ(s.sparsity, 0.75);
  EXPECT_NEAR(s.weight_entropy, std::log(3.0) / 2.0, 1e-12);  // even thirds, and one expert alone
  EXPECT_EQ(s.floor_share, 0.5);
  EXPECT_EQ(s.ceiling_share, 0.5);
}

TEST(RoutingStatistics, OfNoTokensAreZeros) {
  const auto s = compute_routing_statistics({}, 1, 8);
  EXPECT_EQ(s.num_tokens, 0u);
  EXPECT_EQ(s.min_experts, 0u);
  EXPECT_EQ(s.sparsity, 0.0);
}

TEST(RoutingStatistics, WeightsOfZeroHaveNoEntropy) {
  auto decision = two_tokens();
  decision.routing_weights.assign(6, 0.0f);
  EXPECT_EQ(compute_routing_statistics(decision, 1, 3).weight_entropy, 0.0);
}

}  // namespace
}  // namespace bhroute::routing
