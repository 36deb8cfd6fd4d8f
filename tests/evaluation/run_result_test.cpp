#include "bhroute/evaluation/run_result.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

namespace bhroute::evaluation {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

RunResult sample() {
  RunResult result;
  result.name = "bh alpha=0.05 max_k=4";
  result.role = "grid";
  result.null = "all";
  result.table = "table.safetensors";
  result.policy.max_k = 4;
  result.perplexity = 41.25;
  result.perplexity_se = 1.5;
  result.loss = 3.7196;
  result.loss_se = 0.03;
  result.num_tokens = 3;
  result.mean_experts = 1.75;
  result.sd_experts = 0.5;
  result.min_experts = 1;
  result.max_experts = 4;
  result.floor_share = 0.5;
  result.ceiling_share = 0.25;
  result.kl = 0.125;
  result.top1_agreement = 0.9;
  result.relative_flops = 0.3;
  result.tokens_per_second = 1400.5;
  result.ms_per_token = 0.714;
  result.num_nan_logits = 2;
  result.num_unroutable = 1;
  result.layers[3] = {{{0, 2, 0, 1, 1}}, {1, 2, 3, 3}};
  result.layers[0] = {{{0, 4, 0, 0, 0}}, {4, 0, 0, 0}};
  result.token_losses = {1.5F, 2.25F, 0.1F};
  return result;
}

TEST(RunResultJson, HasTheKeysThatReadersLookFor) {
  const json object = to_json(sample(), false);
  for (const char* key : {"name",           "role",
                          "marking",        "null",
                          "table",          "policy",
                          "perplexity",     "perplexity_se",
                          "loss",           "loss_se",
                          "num_tokens",     "mean_experts",
                          "sd_experts",     "min_experts",
                          "max_experts",    "kl",
                          "top1_agreement", "tokens_per_second",
                          "ms_per_token",   "floor_share",
                          "ceiling_share",  "relative_flops",
                          "num_nan_logits", "num_unroutable",
                          "histogram",      "layers"})
    EXPECT_TRUE(object.contains(key)) << key;
  EXPECT_FALSE(object.contains("token_losses"));
  EXPECT_FALSE(object.contains("loss_difference"));
  EXPECT_EQ(object["histogram"], json({0, 6, 0, 1, 1}));
}

TEST(RunResultJson, LayersCarryTheirOwnStatistics) {
  const json layer = to_json(sample(), false)["layers"][1];
  EXPECT_EQ(layer["layer"], 3);
  EXPECT_EQ(layer["num_tokens"], 4);
  EXPECT_DOUBLE_EQ(layer["mean_experts"].get<double>(), 2.25);
  EXPECT_EQ(layer["min"], 1);
  EXPECT_EQ(layer["max"], 4);
  EXPECT_EQ(layer["floor_share"], 0.5);
  EXPECT_EQ(layer["ceiling_share"], 0.25);
  EXPECT_EQ(layer["histogram"], json({0, 2, 0, 1, 1}));
  EXPECT_EQ(layer["utilisation"], json({1, 2, 3, 3}));
  EXPECT_TRUE(layer.contains("sd"));
}

TEST(RunResultJson, CountsAreWholeNumbers) {
  const json good = json::parse(to_json(sample(), true).dump());
  for (const char* number : {"1e300", "-1", "1.5", "\"1\"", "null"}) {
    const json wrong = json::parse(number);
    json tokens = good, layer = good, histogram = good;
    tokens["num_tokens"] = wrong;
    layer["layers"][0]["layer"] = wrong;
    histogram["layers"][0]["histogram"] = json::array({wrong});
    for (const json& object : {tokens, layer, histogram})
      EXPECT_FALSE(run_result_from_json(object, "results.json")) << number;
  }
}

TEST(RunResultJson, ReadsBackEqual) {
  RunResult result = sample();
  result.loss_difference = 0.25;
  result.loss_difference_se = 0.0625;
  const json object = to_json(result, true);
  const auto read = run_result_from_json(json::parse(object.dump()), "results.json");
  ASSERT_TRUE(read) << to_string(read.error());
  EXPECT_EQ(to_json(*read, true), object);
  EXPECT_EQ(read->token_losses, result.token_losses);
  EXPECT_EQ(read->policy, result.policy);
  EXPECT_EQ(read->loss_difference, 0.25);
}

TEST(RunResultJson, NumbersThatAreNotFiniteAreAbsentAndReadBackAsNaN) {
  RunResult result = sample();
  result.kl = std::nan("");
  result.perplexity = std::numeric_limits<double>::infinity();
  result.loss_difference = std::nan("");
  result.layers[7] = {{{0, 0}}, {0}};
  const json object = to_json(result, false);
  EXPECT_FALSE(object.contains("kl"));
  EXPECT_FALSE(object.contains("perplexity"));
  EXPECT_FALSE(object.contains("loss_difference"));
  EXPECT_FALSE(object["layers"][2].contains("mean_experts"));
  EXPECT_EQ(object.dump().find("null,"), std::string::npos);
  const auto read = run_result_from_json(object, "results.json");
  ASSERT_TRUE(read);
  EXPECT_TRUE(std::isnan(read->kl));
  EXPECT_TRUE(std::isnan(read->perplexity));
}

TEST(RunResultJson, EveryNumberHasAUnit) {
  RunResult result = sample();
  result.loss_difference = result.loss_difference_se = 0.0;
  const json units = result_units(), object = to_json(result, true);
  for (const auto& [key, value] : object.items()) {
    if (!value.is_number() && !value.is_array()) continue;
    ASSERT_TRUE(units.contains(key)) << key;
    EXPECT_TRUE(units[key].is_string()) << key;
  }
}

TEST(RunResultJson, SaysWhatIsWrong) {
  for (const char* key : {"name", "num_tokens", "layers", "policy"}) {
    json object = to_json(sample(), false);
    object.erase(key);
    const auto read = run_result_from_json(object, "runs/a.json");
    ASSERT_FALSE(read) << key;
    EXPECT_THAT(to_string(read.error()), HasSubstr("runs/a.json: not a run's result"));
    EXPECT_THAT(to_string(read.error()), HasSubstr(key));
  }
  json object = to_json(sample(), false);
  object["loss"] = "much";
  EXPECT_FALSE(run_result_from_json(object, "runs/a.json"));
  EXPECT_FALSE(run_result_from_json(json::array(), "runs/a.json"));
}

TEST(PairWithBaseline, IsTheMeanAndErrorOfTheDifferences) {
  RunResult result = sample(), baseline = sample();
  result.token_losses = {2.0F, 3.0F, 7.0F};
  baseline.token_losses = {1.0F, 1.0F, 4.0F};
  ASSERT_TRUE(pair_with_baseline(result, baseline));
  EXPECT_DOUBLE_EQ(*result.loss_difference, 2.0);
  EXPECT_DOUBLE_EQ(*result.loss_difference_se, std::sqrt(1.0 / 3.0));
  baseline.token_losses.pop_back();
  EXPECT_EQ(
      to_string(pair_with_baseline(result, baseline).error()),
      "bh alpha=0.05 max_k=4: cannot be paired with the baseline, got 3 scored tokens, want 2");
}

}  // namespace
}  // namespace bhroute::evaluation
