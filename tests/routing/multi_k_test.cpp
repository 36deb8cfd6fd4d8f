#include "bhroute/routing/multi_k.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kernels/logit_shapes.h"
#include "routing/synthetic_tables.h"

namespace bhroute::routing {
namespace {

using testing::NullShape;

TEST(MultiK, EachIsWhatItsOwnPolicyMakes) {
  std::mt19937 random(1);
  std::vector<float> logits(40 * 64);
  testing::fill_row(testing::Shape::tied, random, logits.data(), logits.size());
  const std::vector<std::size_t> max_ks = {16, 4, 64, 8};
  for (NullShape null : {NullShape::gridded, NullShape::per_expert})
    for (int layer : {0, 31})  // 31: the fallback
      for (WeightRule weights : {WeightRule::native, WeightRule::renormalized, WeightRule::mass}) {
        const auto table = testing::make_table(null, 64);
        PolicySpec spec{.alpha = 0.3, .min_k = 2, .weights = weights};
        const auto all = run_bh_multi_k(testing::view(logits, 64), layer, spec, testing::facts(64),
                                        table, max_ks);
        ASSERT_TRUE(all) << to_string(all.error());
        ASSERT_EQ(all->size(), max_ks.size());
        for (std::size_t i = 0; i < max_ks.size(); ++i) {
          spec.max_k = max_ks[i];
          RoutingDecision one;
          const auto policy = make_policy(spec, testing::facts(64), table);
          ASSERT_TRUE((*policy)->route(testing::view(logits, 64), layer, {}, one));
          EXPECT_EQ((*all)[i].num_selected, one.num_selected);
          EXPECT_EQ((*all)[i].expert_ids, one.expert_ids);
          EXPECT_EQ((*all)[i].routing_weights, one.routing_weights);
        }
      }
}

TEST(MultiK, ChecksEachMaxK) {
  const std::vector<float> logits(64);
  const std::vector<std::size_t> max_ks = {8, 65};
  const auto all = run_bh_multi_k(testing::view(logits, 64), 0, {}, testing::facts(64),
                                  testing::make_table(NullShape::gridded, 64), max_ks);
  ASSERT_FALSE(all);
  EXPECT_THAT(to_string(all.error()), ::testing::HasSubstr("max_k: out of range, got 65"));
  EXPECT_FALSE(run_bh_multi_k(testing::view(logits, 64), 0, {.rule = Rule::top_k},
                              testing::facts(64), nullptr, max_ks));
  EXPECT_TRUE(
      run_bh_multi_k(testing::view(logits, 64), 0, {}, testing::facts(64), nullptr, {})->empty());
}

}  // namespace
}  // namespace bhroute::routing
