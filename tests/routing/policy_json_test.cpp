#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "bhroute/routing/policy_spec.h"

namespace bhroute::routing {
namespace {

using nlohmann::json;

std::string error_of(const char* text) {
  const auto spec = policy_from_json(json::parse(text));
  return spec ? "" : to_string(spec.error());
}

TEST(PolicyJson, ReadsTheDocumentedObject) {
  const auto spec = policy_from_json(json::parse(
      R"({"rule": "bh", "alpha": 0.1, "min_k": 2, "max_k": 16, "weights": "mass", "temperature": 1.5,
          "clamp_p_values": true, "table": "a.safetensors"})"));
  ASSERT_TRUE(spec) << to_string(spec.error());
  EXPECT_EQ(*spec, (PolicySpec{.alpha = 0.1,
                               .min_k = 2,
                               .max_k = 16,
                               .weights = WeightRule::mass,
                               .temperature = 1.5,
                               .clamp_p_values = true,
                               .table = "a.safetensors"}));
}

TEST(PolicyJson, MissingKeysAreDefaultsButTheRuleMustBeThere) {
  EXPECT_EQ(policy_from_json(json::parse(R"({"rule": "bh"})")).value(), PolicySpec{});
  EXPECT_EQ(error_of("{}"), "policy.rule: missing, want bh or top_k");
}

TEST(PolicyJson, RefusesWrongTypes) {
  for (const char* text :
       {R"([])", R"("bh")", R"(null)", R"({"rule": 3})", R"({"rule": "bh", "alpha": "0.05"})",
        R"({"rule": "bh", "alpha": null})", R"({"rule": "bh", "max_k": 2.5})",
        R"({"rule": "bh", "max_k": -1})", R"({"rule": "bh", "max_k": 16.0})",
        R"({"rule": "bh", "max_k": true})", R"({"rule": "bh", "weights": 1})",
        R"({"rule": "bh", "weights": ["mass"]})", R"({"rule": "bh", "clamp_p_values": 1})",
        R"({"rule": "bh", "table": {}})"})
    EXPECT_THAT(error_of(text), ::testing::HasSubstr("wrong type")) << text;
}

TEST(PolicyJson, NamesKeyValueAndBound) {
  EXPECT_EQ(error_of(R"({"rule": "bh", "alpha": 1.5})"),
            "policy.alpha: out of range, got 1.5, want 0 < alpha < 1");
  EXPECT_EQ(error_of(R"({"rule": "bh", "max_kk": 3})"),
            "policy: unknown key of bh, got max_kk, want did you mean max_k?");
  EXPECT_THAT(error_of(R"({"rule": "top_k", "alpha": 0.1})"),
              ::testing::HasSubstr("unknown key of top_k"));
  EXPECT_THAT(error_of(R"({"rule": "bh", "max_k": 18446744073709551616})"),
              ::testing::HasSubstr("wrong type"));
}

TEST(PolicyJson, NotANumberIsRefused) {
  json object = {{"rule", "bh"}, {"alpha", std::numeric_limits<double>::quiet_NaN()}};
  EXPECT_FALSE(policy_from_json(object));
  object["alpha"] = 0.1;
  object["temperature"] = std::numeric_limits<double>::infinity();
  EXPECT_FALSE(policy_from_json(object));
}

TEST(PolicyJson, ShortensWhatItQuotes) {
  const json object = {{"rule", "bh"}, {"alpha", std::string(10000, 'x')}};
  EXPECT_LT(to_string(policy_from_json(object).error()).size(), 200u);
}

RC_GTEST_PROP(PolicyJson, RoundTrips, ()) {
  PolicySpec spec;
  spec.rule = *rc::gen::element(Rule::bh, Rule::top_k);
  spec.weights = *rc::gen::element(WeightRule::native, WeightRule::renormalized, WeightRule::mass);
  spec.temperature = *rc::gen::inRange(1, 1000) / 7.0;
  if (spec.rule == Rule::bh) {
    spec.alpha = *rc::gen::inRange(1, 1000) / 1001.0;
    spec.min_k = static_cast<std::size_t>(*rc::gen::inRange(1, 20));
    spec.max_k = spec.min_k + static_cast<std::size_t>(*rc::gen::inRange(0, 100));
    spec.clamp_p_values = *rc::gen::arbitrary<bool>();
    spec.table = *rc::gen::element<std::string>("", "a,b=c.json", "t.safetensors", "x:y");
  } else {
    spec.k = static_cast<std::size_t>(*rc::gen::inRange(1, 100));
  }
  RC_ASSERT(policy_from_json(json::parse(to_json(spec).dump())).value() == spec);
  RC_ASSERT(parse_policy(to_string(spec)).value() == spec);
}

TEST(PolicyJsonHostile, ADeeplyNestedValueIsAnError) {
  const std::string deep = R"({"rule":"bh","alpha":)" + std::string(200000, '[') + std::string(200000, ']') + "}";
  const auto read = policy_from_json(nlohmann::json::parse(deep));
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().got, "array");
}

}  // namespace
}  // namespace bhroute::routing
