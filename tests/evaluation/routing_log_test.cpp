#include "bhroute/evaluation/routing_log.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "bhroute/calibration/calibration_table.h"
#include "core/temporary_folder.h"

namespace bhroute::evaluation {
namespace {

using nlohmann::json;

std::vector<json> read_lines(const std::filesystem::path& file) {
  std::vector<json> lines;
  std::ifstream stream(file);
  for (std::string line; std::getline(stream, line);) lines.push_back(json::parse(line));
  return lines;
}

LogitsView view(const std::vector<float>& logits, std::size_t num_experts) {
  return {logits.data(), logits.size() / num_experts, num_experts, num_experts};
}

TEST(RoutingLog, EveryNthTokenOfEachLayer) {
  testing::TemporaryFolder folder;
  auto log = RoutingLog::open(folder / "log.jsonl", 3, 4, "abc");
  ASSERT_TRUE(log);
  (*log)->set_policy(nullptr, 2);
  // Five tokens of two experts in two layers, in micro-batches of three and two.
  const std::vector<float> first{0, 1, 2, 3, 4, 5}, second{6, 7, 9, 8.5};
  for (int layer : {0, 2}) (*log)->on_layer(layer, view(first, 2), nullptr);
  for (int layer : {0, 2}) (*log)->on_layer(layer, view(second, 2), nullptr);
  EXPECT_FALSE(std::filesystem::exists(folder / "log.jsonl"));
  ASSERT_TRUE((*log)->finish());
  const auto lines = read_lines(folder / "log.jsonl");
  ASSERT_EQ(lines.size(), 4u);  // tokens 0 and 3 of layers 0 and 2
  EXPECT_EQ(
      lines[0],
      json::parse(
          R"({"text": "abc", "sample": 0, "token": 0, "layer": 0, "logits": [0, 1], "p_values": null,
                                      "selected": [1, 0]})"));
  EXPECT_EQ(
      lines[3],
      json::parse(
          R"({"text": "abc", "sample": 0, "token": 3, "layer": 2, "logits": [6, 7], "p_values": null,
                                      "selected": [1, 0]})"));
}

TEST(RoutingLog, TheSampleIsTheWindow) {
  testing::TemporaryFolder folder;
  auto log = RoutingLog::open(folder / "log.jsonl", 1, 2, "abc");
  (*log)->set_policy(nullptr, 1);
  (*log)->on_layer(0, view({1, 2, 3}, 1), nullptr);
  ASSERT_TRUE((*log)->finish());
  const auto lines = read_lines(folder / "log.jsonl");
  EXPECT_EQ(lines[2]["sample"], 1);
  EXPECT_EQ(lines[2]["token"], 0);
}

TEST(RoutingLog, PValuesAndSelectedOfAPolicy) {
  testing::TemporaryFolder folder;
  auto table = std::make_shared<calibration::CalibrationTable>();
  table->metadata.num_experts = 2;
  calibration::LayerNull layer;
  layer.groups.push_back(calibration::NullDistribution::from_counts(
      stats::CountedSample::create({0, 1, 2, 3}, {1, 1, 1, 1}).value(),
      stats::PValueForm::conformal));
  table->layers.emplace(0, std::move(layer));
  routing::PolicySpec spec;
  spec.alpha = 0.5;
  spec.max_k = 2;
  const auto policy = routing::make_policy(spec, {2, 1, false}, table);
  ASSERT_TRUE(policy) << to_string(policy.error());
  auto log = RoutingLog::open(folder / "log.jsonl", 1, 8, "abc");
  (*log)->set_policy(policy->get(), 1);
  const std::vector<float> logits{0.5F, 2.5F};
  routing::RoutingDecision decision;
  ASSERT_TRUE((*policy)->route(view(logits, 2), 0, {}, decision));
  (*log)->on_layer(0, view(logits, 2), &decision);
  ASSERT_TRUE((*log)->finish());
  const auto line = read_lines(folder / "log.jsonl").at(0);
  // Conformal, calibration values 0, 1, 2, 3: (1 + 3)/5 and (1 + 1)/5.
  EXPECT_EQ(line["p_values"], json::parse("[0.8, 0.4]"));
  EXPECT_EQ(line["selected"], json::parse("[1]"));
}

TEST(RoutingLog, NumbersThatJsonLacksAreNull) {
  testing::TemporaryFolder folder;
  auto log = RoutingLog::open(folder / "log.jsonl", 1, 8, "abc");
  (*log)->set_policy(nullptr, 1);
  (*log)->on_layer(0, view({std::nanf(""), 1.5F}, 2), nullptr);
  ASSERT_TRUE((*log)->finish());
  EXPECT_EQ(read_lines(folder / "log.jsonl")[0]["logits"], json::parse("[null, 1.5]"));
}

TEST(RoutingLog, AnUnfinishedLogLeavesNothing) {
  testing::TemporaryFolder folder;
  { auto log = RoutingLog::open(folder / "log.jsonl", 1, 8, "abc"); }
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(RoutingLog, LeavesAnotherProcesssFileAlone) {
  testing::TemporaryFolder folder;
  const auto taken = testing::take_next_temporaries(folder / "log.jsonl");
  { auto unfinished = RoutingLog::open(folder / "log.jsonl", 1, 8, "abc"); }
  auto log = RoutingLog::open(folder / "log.jsonl", 1, 8, "abc");
  (*log)->set_policy(nullptr, 1);
  (*log)->on_layer(0, view({1, 2}, 2), nullptr);
  ASSERT_TRUE((*log)->finish());
  EXPECT_EQ(read_lines(folder / "log.jsonl").size(), 1u);
  for (const auto& file : taken) EXPECT_EQ(testing::slurp(file), "another's") << file;
}

TEST(RoutingLog, Refuses) {
  EXPECT_EQ(RoutingLog::open("x.jsonl", 0, 8, "abc").error().what, "no token is logged");
  EXPECT_FALSE(RoutingLog::open("/no/such/folder/x.jsonl", 1, 8, "abc"));
}

}  // namespace
}  // namespace bhroute::evaluation
