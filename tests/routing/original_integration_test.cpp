// The original system's integration test: whole batches through the public interface.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <set>

#include "bhroute/routing/multi_k.h"
#include "bhroute/routing/routing_statistics.h"
#include "routing/planted_signals.h"
#include "routing/synthetic_tables.h"

namespace bhroute::routing {
namespace {

using testing::NullShape;
constexpr std::size_t kShape[] = {4, 25, 64};  // [batch, seq, num_experts]

class OriginalIntegration : public ::testing::TestWithParam<double> {
 protected:
  std::vector<float> logits_ = testing::planted_signals(100, 7);
  LogitsView view_ = view_logits(logits_, kShape).value();
  std::shared_ptr<const calibration::CalibrationTable> table_ =
      testing::make_table(NullShape::conformal, 64);

  RoutingDecision route(const PolicySpec& spec) {
    const auto policy = make_policy(spec, testing::facts(64), table_);
    RoutingDecision decision;
    EXPECT_TRUE(policy && (*policy)->route(view_, 0, {.dense_weights = true}, decision));
    return decision;
  }
};

TEST_P(OriginalIntegration, RowsAreWhole) {
  const auto decision =
      route({.alpha = GetParam(), .max_k = 16, .weights = WeightRule::renormalized});
  EXPECT_EQ(decision.num_tokens, 100u);
  EXPECT_EQ(decision.dense_routing_weights.size(), 6400u);
  for (std::size_t t = 0; t < 100; ++t) {
    const auto num = static_cast<std::size_t>(decision.num_selected[t]);
    const auto ids = decision.expert_ids.begin() + static_cast<std::ptrdiff_t>(t * 16);
    const auto weights = decision.routing_weights.begin() + static_cast<std::ptrdiff_t>(t * 16);
    EXPECT_GE(num, 1u);
    EXPECT_EQ(std::set<std::int32_t>(ids, ids + static_cast<std::ptrdiff_t>(num)).size(), num);
    EXPECT_EQ(std::count(ids, ids + 16, -1), static_cast<std::ptrdiff_t>(16 - num));
    EXPECT_NEAR(std::accumulate(weights, weights + 16, 0.0), 1.0, 1e-6);
    const auto dense = decision.dense_routing_weights.begin() + static_cast<std::ptrdiff_t>(t * 64);
    EXPECT_NEAR(std::accumulate(dense, dense + 64, 0.0), 1.0, 1e-6);
  }
}

TEST_P(OriginalIntegration, CountsVaryFromTokenToToken) {
  const auto decision = route({.alpha = GetParam(), .max_k = 16});
  const auto s = compute_routing_statistics(decision, 1, 16);
  EXPECT_LT(s.min_experts, s.max_experts);
  EXPECT_GT(s.sd_experts, 0.0);
  EXPECT_NEAR(s.sparsity, 1.0 - s.mean_experts / 64.0, 1e-12);
  EXPECT_GT(s.weight_entropy, 0.0);
}

TEST_P(OriginalIntegration, SeveralCeilingsFromOnePass) {
  const std::vector<std::size_t> max_ks = {4, 8, 16, 32, 64};
  const auto all =
      run_bh_multi_k(view_, 0, {.alpha = GetParam()}, testing::facts(64), table_, max_ks);
  ASSERT_TRUE(all);
  double before = 0.0;
  for (std::size_t i = 0; i < max_ks.size(); ++i) {
    const double mean = compute_routing_statistics((*all)[i], 1, max_ks[i]).mean_experts;
    EXPECT_GE(mean, before);
    before = mean;
  }
}

TEST_P(OriginalIntegration, BesideTheFixedTopK) {
  const auto bh = route({.alpha = GetParam(), .max_k = 8});
  const auto top_k = route({.rule = Rule::top_k, .k = 8});
  EXPECT_EQ(compute_routing_statistics(top_k, 8, 8).mean_experts, 8.0);
  // Both order by logit, so BH's experts are a part of the eight.
  for (std::size_t t = 0; t < 100; ++t) {
    const auto row = [&](const RoutingDecision& d) {
      const auto ids = d.expert_ids.begin() + static_cast<std::ptrdiff_t>(t * 8);
      return std::set<std::int32_t>(ids, ids + d.num_selected[t]);
    };
    const auto mine = row(bh), eight = row(top_k);
    EXPECT_TRUE(std::includes(eight.begin(), eight.end(), mine.begin(), mine.end())) << t;
  }
}

INSTANTIATE_TEST_SUITE_P(Alpha, OriginalIntegration, ::testing::Values(0.01, 0.05, 0.10, 0.20));

}  // namespace
}  // namespace bhroute::routing
