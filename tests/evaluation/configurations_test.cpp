#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "bhroute/evaluation/sweep.h"
#include "core/temporary_folder.h"

namespace bhroute::evaluation {
namespace {

using ::bhroute::testing::spill;
using ::bhroute::testing::TemporaryFolder;
using ::testing::HasSubstr;

class ConfigurationFile : public ::testing::Test {
 protected:
  Result<std::vector<Configuration>> read(const std::string& content) {
    spill(folder_ / "list.json", content);
    return read_configurations(folder_ / "list.json");
  }
  std::string problem(const std::string& content) {
    const auto list = read(content);
    return list ? "" : to_string(list.error());
  }
  std::string problem_of_entry(const std::string& entry) {
    return problem(R"({"configurations": [)" + entry + "]}");
  }
  TemporaryFolder folder_;
};

std::size_t count(const std::vector<Configuration>& list, const std::string& role,
                  const std::string& marking) {
  return static_cast<std::size_t>(std::ranges::count_if(
      list, [&](const auto& one) { return one.role == role && one.marking == marking; }));
}

TEST(DefaultConfigurations, TheBaselineAndTheOriginalsChoiceAnswerTheTasks) {
  std::vector<std::string> answer;
  for (const auto& one : default_configurations(8))
    if (one.tasks) answer.push_back(one.name);
  EXPECT_THAT(answer, ::testing::ElementsAre("top-8 (the model's own)", "bh alpha=0.05 max_k=16"));
}

TEST(DefaultConfigurations, AreTheGridAndWhatStandsBesideIt) {
  const auto list = default_configurations(8);
  EXPECT_EQ(list.size(), 38U);
  EXPECT_EQ(list.front().role, "baseline");
  EXPECT_EQ(list.front().policy.k, 8U);
  EXPECT_TRUE(list.front().plain_override);
  EXPECT_EQ(count(list, "grid", ""), 20U);
  EXPECT_EQ(count(list, "reference", "renormalized"), 4U);
  EXPECT_EQ(count(list, "reference", "unselected"), 4U);
  EXPECT_EQ(count(list, "reference", "static"), 9U);
  std::set<std::string> names;
  for (const auto& one : list) {
    names.insert(one.name);
    EXPECT_TRUE(routing::validate(one.policy)) << one.name;
    const bool bh = one.policy.rule == routing::Rule::bh;
    EXPECT_EQ(one.null, !bh ? "" : one.marking == "unselected" ? "unselected" : "all") << one.name;
    EXPECT_EQ(one.policy.weights == routing::WeightRule::renormalized,
              one.marking == "renormalized");
    if (!bh) continue;
    EXPECT_EQ(one.policy.min_k, 1U);
    EXPECT_TRUE(one.marking.empty() || one.policy.max_k == 16U) << one.name;
  }
  EXPECT_EQ(names.size(), list.size());
}

TEST(DefaultConfigurations, TheModelsOwnTopKIsNotMeasuredTwice) {
  const auto list = default_configurations(4);
  EXPECT_EQ(list.front().policy.k, 4U);
  EXPECT_EQ(count(list, "reference", "static"), 8U);
}

TEST_F(ConfigurationFile, TheDefaultListReadsBackEqual) {
  const auto list = default_configurations(8);
  const auto read_back = read(configurations_to_json(list));
  ASSERT_TRUE(read_back) << to_string(read_back.error());
  EXPECT_EQ(configurations_to_json(*read_back), configurations_to_json(list));
  ASSERT_EQ(read_back->size(), list.size());
  EXPECT_EQ(read_back->at(7).policy, list[7].policy);
}

TEST_F(ConfigurationFile, WhatIsLeftOutHasADefault) {
  const auto list = read(R"({"configurations": [
      {"policy": {"rule": "bh", "alpha": 0.3, "max_k": 3}},
      {"policy": {"rule": "top_k", "k": 5}, "name": "five", "role": "baseline"}]})");
  ASSERT_TRUE(list) << to_string(list.error());
  EXPECT_FALSE(list->at(0).name.empty());
  EXPECT_EQ(list->at(0).role, "reference");
  EXPECT_EQ(list->at(0).null, "all");
  EXPECT_EQ(list->at(1).null, "");
  EXPECT_FALSE(list->at(1).plain_override);
}

TEST_F(ConfigurationFile, APolicysOwnTableIsRelativeToTheList) {
  std::filesystem::create_directory(folder_ / "policies");
  spill(folder_ / "policies/p.json", R"({"rule": "bh", "table": "u.safetensors"})");
  const auto list = read(R"({"configurations": [
      {"name": "a", "policy": {"rule": "bh", "table": "tables/t.safetensors"}},
      {"name": "b", "policy": {"rule": "bh", "table": "/elsewhere/t.safetensors"}},
      {"name": "c", "policy": "bh:alpha=0.1,table=t.safetensors"},
      {"name": "d", "policy": "policies/p.json"}]})");
  ASSERT_TRUE(list) << to_string(list.error());
  EXPECT_EQ(list->at(0).policy.table, (folder_ / "tables/t.safetensors").string());
  EXPECT_EQ(list->at(1).policy.table, "/elsewhere/t.safetensors");
  EXPECT_EQ(list->at(2).policy.table, (folder_ / "t.safetensors").string());
  EXPECT_EQ(list->at(3).policy.table, (folder_ / "policies/u.safetensors").string())
      << "a policy's file: relative to that";
}

TEST_F(ConfigurationFile, ErrorsNameFileAndEntry) {
  EXPECT_THAT(problem("[]"), HasSubstr("list.json: not a list of configurations"));
  EXPECT_THAT(problem("{"), HasSubstr("list.json: not JSON"));
  EXPECT_THAT(problem(R"({"configurations": []})"), HasSubstr("an empty list"));
  const std::string at = "list.json: configurations[0]: ";
  EXPECT_THAT(problem_of_entry("3"), HasSubstr(at + "is not an object, got number"));
  EXPECT_THAT(problem_of_entry("{}"), HasSubstr(at + "the key 'policy' is missing"));
  EXPECT_THAT(problem_of_entry(R"({"policy": {"rule": "top_k", "k": 2}, "nmae": "x"})"),
              HasSubstr(at + "unknown key, got 'nmae'"));
  EXPECT_THAT(problem_of_entry(R"({"policy": {"rule": "top_k", "k": 2}, "role": "king"})"),
              HasSubstr(at + "unknown role, got 'king'"));
  EXPECT_THAT(problem_of_entry(R"({"policy": {"rule": "top_k", "k": 2}, "name": 7})"),
              HasSubstr(at + "the key 'name' has the wrong type, got number"));
  EXPECT_THAT(problem_of_entry(R"({"policy": {"rule": "top_k", "k": 2}, "name": ""})"),
              HasSubstr(at + "the name is empty"));
  EXPECT_THAT(problem_of_entry(R"({"policy": {"rule": "top_k", "k": 2}, "plain_override": 1})"),
              HasSubstr(at + "the key 'plain_override' has the wrong type"));
  EXPECT_THAT(problem_of_entry(R"({"policy": {"rule": "bh"}, "plain_override": true})"),
              HasSubstr(at + "a plain override cannot do this policy"));
  EXPECT_THAT(problem_of_entry(R"({"policy": {"rule": "bh", "alpha": 2}})"),
              HasSubstr("configurations[0]: policy"));
  EXPECT_THAT(problem_of_entry(R"({"policy": "bh:alpha=2"})"),
              HasSubstr(at + "policy: alpha: out of range, got 2"));
}

TEST_F(ConfigurationFile, NamesAndBaselinesAreUnique) {
  const std::string one =
      R"({"name": "a", "policy": {"rule": "top_k", "k": 2}, "role": "baseline"})";
  const std::string two =
      R"({"name": "b", "policy": {"rule": "top_k", "k": 2}, "role": "baseline"})";
  EXPECT_THAT(problem_of_entry(one + "," + one),
              HasSubstr("two configurations of one name, got a"));
  EXPECT_THAT(problem_of_entry(one + "," + two), HasSubstr("too many baselines, got 2"));
  EXPECT_FALSE(read_configurations(folder_ / "missing.json"));
}

}  // namespace
}  // namespace bhroute::evaluation
