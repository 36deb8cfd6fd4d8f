#include "../../src/routing/policy_fields.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bhroute::routing {
namespace {

TEST(PolicyFields, EveryKeyHasExactlyOnePlace) {
  for (Rule rule : {Rule::bh, Rule::top_k})
    for (const std::string& key : policy_keys(rule)) {
      PolicySpec spec;
      spec.rule = rule;
      const PolicyField field = policy_field(spec, key);
      const int places = (field.number != nullptr) + (field.count != nullptr) +
                         (field.flag != nullptr) + (field.text != nullptr) +
                         (field.weights != nullptr);
      EXPECT_EQ(places, 1) << key;
    }
}

TEST(PolicyFields, AKeyOfTheOtherRuleIsUnknown) {
  PolicySpec spec;
  EXPECT_EQ(policy_field(spec, "k").count, nullptr);
  spec.rule = Rule::top_k;
  EXPECT_EQ(policy_field(spec, "alpha").number, nullptr);
}

TEST(PolicyFields, SuggestsTheNearest) {
  EXPECT_EQ(to_string(unknown_key("alpa", Rule::bh, "policy").value()),
            "policy: unknown key of bh, got alpa, want did you mean alpha?");
  EXPECT_THAT(to_string(unknown_key("zzz", Rule::top_k, "policy").value()),
              ::testing::HasSubstr("one of k, weights, temperature"));
  EXPECT_THAT(to_string(parse_rule("topk", "policy").error()),
              ::testing::HasSubstr("did you mean top_k?"));
  EXPECT_THAT(to_string(parse_weight_rule("renormalised", "weights").error()),
              ::testing::HasSubstr("did you mean renormalized?"));
}

}  // namespace
}  // namespace bhroute::routing
