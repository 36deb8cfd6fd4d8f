#include "../../src/routing/policy_fields.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace bhroute::routing {
namespace {

PolicySpec of(Rule rule) {
  PolicySpec spec;
  spec.rule = rule;
  return spec;
}

TEST(PolicyFields, EveryKeyOfEveryRuleHasAPlaceOfItsOwn) {
  for (Rule rule : all_rules()) {
    PolicySpec spec = of(rule);
    std::set<PolicyField> places;
    for (const std::string& key : policy_keys(rule)) {
      const PolicyField field = policy_field(spec, key);
      EXPECT_NE(field.index(), 0u) << to_string(rule) << " " << key;
      EXPECT_TRUE(places.insert(field).second) << to_string(rule) << " " << key;
    }
  }
}

TEST(PolicyFields, AKeyOfTheOtherRuleIsUnknown) {
  PolicySpec bh = of(Rule::bh), top_k = of(Rule::top_k);
  EXPECT_EQ(policy_field(bh, "k").index(), 0u);
  EXPECT_EQ(policy_field(top_k, "alpha").index(), 0u);
  EXPECT_EQ(policy_field(top_k, "min_k").index(), 0u) << "a fixed count has no bounds";
}

TEST(PolicyFields, ParametersBySetAndGet) {
  PolicySpec spec = of(Rule::ser);
  ASSERT_TRUE(set_parameter(spec, "t", 0.25));
  EXPECT_EQ(spec.t, 0.25);
  EXPECT_EQ(get_parameter(spec, "t").value(), ParameterValue(0.25));
  EXPECT_EQ(to_string(set_parameter(spec, "t", std::size_t{1}).error()),
            "t: wrong type, want a number");
  EXPECT_EQ(to_string(set_parameter(spec, "min_k", 2.0).error()),
            "min_k: wrong type, want an integer >= 0");
  EXPECT_THAT(to_string(set_parameter(spec, "alpha", 0.1).error()),
              ::testing::HasSubstr("unknown key of ser"));
  EXPECT_FALSE(get_parameter(spec, "alpha"));
}

TEST(PolicyFields, SuggestsTheNearest) {
  EXPECT_EQ(to_string(unknown_key("alpa", Rule::bh, "policy").value()),
            "policy: unknown key of bh, got alpa, did you mean alpha?");
  EXPECT_THAT(to_string(unknown_key("zzz", Rule::top_k, "policy").value()),
              ::testing::HasSubstr("one of k, weights, temperature"));
  EXPECT_THAT(to_string(parse_rule("topk", "policy").error()),
              ::testing::HasSubstr("did you mean top_k?"));
  EXPECT_THAT(to_string(parse_weight_rule("renormalised", "weights").error()),
              ::testing::HasSubstr("did you mean renormalized?"));
}

}  // namespace
}  // namespace bhroute::routing
