#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>
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
  EXPECT_EQ(error_of("{}"), "policy.rule: missing, want bh, top_k, ...");
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
            "policy: unknown key of bh, got max_kk, did you mean max_k?");
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

/// A value of the key's kind within every bound that any key has.
ParameterValue drawn(const ParameterValue& like, const std::string& key) {
  const auto share = [] { return *rc::gen::inRange(1, 1000) / 1001.0; };
  const auto count = [] { return static_cast<std::size_t>(*rc::gen::inRange(1, 20)); };
  if (key == "max_k") return 20 + count();
  if (key == "edges") return std::vector<double>{share(), 1.0 + share()};
  if (key == "counts") return std::vector<std::size_t>{count(), count(), count()};
  if (key == "ks") return std::vector<std::size_t>(count(), count());
  if (key == "criticals") return std::vector<double>{-share(), INFINITY, -INFINITY, share()};
  if (key == "table") return *rc::gen::element<std::string>("", "a,b=c.json", "t.st", "x:y");
  if (key == "table_sha256") return *rc::gen::element<std::string>("", std::string(64, 'a'));
  if (key == "statistic")
    return *rc::gen::element(calibration::Statistic::logit, calibration::Statistic::standardized);
  if (std::holds_alternative<std::size_t>(like)) return count();
  if (std::holds_alternative<bool>(like)) return *rc::gen::arbitrary<bool>();
  if (std::holds_alternative<WeightRule>(like))
    return *rc::gen::element(WeightRule::native, WeightRule::renormalized, WeightRule::mass);
  return share();
}

RC_GTEST_PROP(PolicyJson, EveryRuleRoundTrips, ()) {
  PolicySpec spec;
  spec.rule = *rc::gen::elementOf(all_rules());
  for (const std::string& key : policy_keys(spec.rule)) {
    const ParameterValue value = drawn(get_parameter(spec, key).value(), key);
    RC_ASSERT(set_parameter(spec, key, value));
    if (key.starts_with("table") || spec.rule == Rule::top_k_per_layer) continue;
    if (*rc::gen::arbitrary<bool>()) spec.layers[*rc::gen::inRange(0, 30)][key] = drawn(value, key);
  }
  if (spec.rule == Rule::critical) {  // as many as the band has ranks, in every layer
    spec.max_k = spec.min_k + 4;
    for (auto& [layer, own] : spec.layers) {
      own.erase("min_k");
      own.erase("max_k");
    }
    std::erase_if(spec.layers, [](const auto& layer) { return layer.second.empty(); });
  }
  RC_ASSERT(policy_from_json(json::parse(to_json(spec).dump())).value() == spec);
  RC_ASSERT(parse_policy(to_string(spec)).value() == spec);
}

TEST(PolicyJson, LayersOverrideAnyParameter) {
  const auto spec = policy_from_json(json::parse(
      R"({"rule": "bh", "max_k": 6, "layers": {"3": {"alpha": 0.1, "min_k": 3}, "0": {"weights": "mass", "max_k": 9}}})"));
  ASSERT_TRUE(spec) << to_string(spec.error());
  EXPECT_EQ(spec->for_layer(3), (PolicySpec{.alpha = 0.1, .min_k = 3, .max_k = 6}));
  EXPECT_EQ(spec->for_layer(0), (PolicySpec{.max_k = 9, .weights = WeightRule::mass}));
  EXPECT_EQ(spec->for_layer(7), (PolicySpec{.max_k = 6}));
  EXPECT_EQ(spec->largest_k(), 9u);
  EXPECT_EQ(parse_policy("bh:max_k=6,layers.3.alpha=0.1,layers.3.min_k=3").value().for_layer(3),
            spec->for_layer(3));
}

TEST(PolicyJson, BadLayersNameThePlace) {
  EXPECT_EQ(error_of(R"({"rule": "bh", "layers": {"3": {"alpha": 2.5}}})"),
            "policy.layers.3.alpha: out of range, got 2.5, want 0 < alpha < 1");
  EXPECT_EQ(error_of(R"({"rule": "bh", "layers": {"3": {"alpa": 0.5}}})"),
            "policy.layers.3: unknown key of bh, got alpa, did you mean alpha?");
  EXPECT_EQ(error_of(R"({"rule": "bh", "max_k": 4, "layers": {"3": {"min_k": 5}}})"),
            "policy.layers.3.max_k: out of range, got 4, want min_k 5 <= max_k");
  for (const char* text :
       {R"({"rule": "bh", "layers": []})", R"({"rule": "bh", "layers": {"3": 4}})",
        R"({"rule": "bh", "layers": {"x": {}}})",
        R"({"rule": "bh", "layers": {"-1": {"min_k": 1}}})",
        R"({"rule": "bh", "layers": {"3": {"table": "x"}}})",
        R"({"rule": "bh", "layers": {"3": {"rule": "by"}}})",
        R"({"rule": "bh", "layers": {"3": {"layers": {}}}})",
        R"({"rule": "top_k_per_layer", "ks": [4], "layers": {"0": {"weights": "mass"}}})"})
    EXPECT_NE(error_of(text), "") << text;
}

TEST(PolicyJson, CriticalValuesByRank) {
  const auto spec = policy_from_json(json::parse(
      R"({"rule": "critical", "min_k": 3, "max_k": 5, "criticals": [-3.5, "never"],
          "layers": {"0": {"max_k": 6, "criticals": ["always", -3, -2.5]}}})"));
  ASSERT_TRUE(spec) << to_string(spec.error());
  EXPECT_EQ(spec->statistic, calibration::Statistic::log_prob);
  EXPECT_EQ(spec->criticals, (std::vector<double>{-3.5, INFINITY}));
  EXPECT_EQ(spec->for_layer(0).criticals, (std::vector<double>{-INFINITY, -3.0, -2.5}));
  EXPECT_EQ(
      parse_policy("critical:statistic=logit,criticals=1/inf,min_k=2,max_k=4").value().criticals,
      (std::vector<double>{1.0, INFINITY}));
  EXPECT_EQ(
      error_of(R"({"rule": "critical", "min_k": 3, "max_k": 5, "criticals": [1]})"),
      "policy.criticals: wrong length, got 1, want one for each of the 2 ranks 4 to 5 (min_k + 1 "
      "to max_k)");
  EXPECT_NE(error_of(R"({"rule": "critical", "max_k": 2, "criticals": ["sometimes"]})"), "");
  EXPECT_NE(error_of(R"({"rule": "critical", "statistic": "prob"})"), "");
}

TEST(PolicyJson, ListsAndTheirBounds) {
  EXPECT_EQ(policy_from_json(
                json::parse(R"({"rule": "entropy", "edges": [1, 2.5], "counts": [4, 6, 8]})"))
                .value()
                .edges,
            (std::vector<double>{1.0, 2.5}));
  for (const char* text :
       {R"({"rule": "entropy"})", R"({"rule": "entropy", "edges": [1], "counts": [4]})",
        R"({"rule": "entropy", "edges": [2, 1], "counts": [4, 5, 6]})",
        R"({"rule": "entropy", "edges": ["1"], "counts": [4, 5]})",
        R"({"rule": "entropy", "edges": [1], "counts": [4, 0]})", R"({"rule": "top_k_per_layer"})",
        R"({"rule": "top_k_per_layer", "ks": [4, -1]})", R"({"rule": "top_k_per_layer", "ks": 4})"})
    EXPECT_NE(error_of(text), "") << text;
}

TEST(PolicyJson, AShaIs64HexDigits) {
  EXPECT_NE(error_of(R"({"rule": "bh", "table_sha256": "abc"})"), "");
}

TEST(PolicyJsonHostile, ADeeplyNestedValueIsAnError) {
  const std::string deep =
      R"({"rule":"bh","alpha":)" + std::string(200000, '[') + std::string(200000, ']') + "}";
  const auto read = policy_from_json(nlohmann::json::parse(deep));
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().got, "array");
}

}  // namespace
}  // namespace bhroute::routing
