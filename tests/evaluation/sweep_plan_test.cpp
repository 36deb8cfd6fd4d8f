#include "../../src/evaluation/sweep_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bhroute/calibration/pickle.h"
#include "bhroute/core/sha256.h"
#include "core/log_recorder.h"
#include "core/temporary_folder.h"
#include "evaluation/fake_model.h"

namespace bhroute::evaluation {
namespace {

using ::bhroute::testing::spill;
using ::bhroute::testing::TemporaryFolder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

Configuration bh(std::string name, std::size_t max_k, std::string null = "all") {
  Configuration configuration{std::move(name), "grid", "", std::move(null), {}};
  configuration.policy.max_k = max_k;
  return configuration;
}

Configuration fixed(std::string name, std::size_t k, std::string role = "reference") {
  Configuration configuration{std::move(name), std::move(role), "", "", {}, true};
  configuration.policy.rule = routing::Rule::top_k;
  configuration.policy.k = k;
  return configuration;
}

TableSources sources() { return {{"all", {"table", "hash", nullptr}}}; }

std::vector<std::string> order(const Plan& plan) {
  std::vector<std::string> names;
  for (const Job& job : plan.jobs) names.push_back(job.slug);
  return names;
}

TEST(Slug, IsAFileName) {
  EXPECT_EQ(slug("bh alpha=0.05 max_k=16"), "bh-alpha-0.05-max_k-16");
  EXPECT_EQ(slug("top-8 (the model's own)"), "top-8-the-model-s-own");
  EXPECT_EQ(slug("../../etc/passwd"), "run..-..-etc-passwd");
  EXPECT_EQ(slug("///"), "run");
}

TEST(PlanSweep, TheBaselineComesFirstAndOneGroupHasOneNumberOfSlots) {
  FakeModel model;
  const std::vector<Configuration> list{bh("a4", 4),     bh("a2", 2), fixed("s4", 4),
                                        fixed("one", 1), bh("b4", 4), fixed("base", 2, "baseline")};
  const auto plan = plan_sweep(list, model.description(), sources());
  ASSERT_TRUE(plan);
  EXPECT_THAT(order(*plan), ElementsAre("base", "a2", "a4", "s4", "b4", "one"));
  EXPECT_TRUE(plan->jobs[0].own_routing);
  EXPECT_FALSE(plan->jobs[1].own_routing);
  EXPECT_TRUE(plan->jobs[3].own_routing);  // also with more experts than the model's own top_k
  EXPECT_TRUE(plan->jobs[5].own_routing);
  EXPECT_EQ(plan->jobs[2].index, 0U);
  EXPECT_EQ(plan->jobs[2].table.sha256, "hash");
  EXPECT_TRUE(plan->notes.empty());
}

TEST(PlanSweep, WhatTheModelCannotDoIsLeftOutWithANote) {
  FakeModel model;
  const auto plan = plan_sweep({bh("wide", 9), fixed("nine", 9), bh("other", 2, "unselected")},
                               model.description(), sources());
  ASSERT_TRUE(plan);
  EXPECT_TRUE(plan->jobs.empty());
  EXPECT_THAT(plan->notes,
              ElementsAre("wide: left out, max_k 9 is above the model's 8 experts",
                          "nine: left out, k 9 is above the model's 8 experts",
                          "other: left out, no table was given for the null 'unselected'"));
}

TEST(PlanSweep, TwoNamesMustNotShareAFile) {
  FakeModel model;
  const auto plan = plan_sweep({bh("a b", 2), bh("a=b", 4)}, model.description(), sources());
  ASSERT_FALSE(plan);
  EXPECT_THAT(to_string(plan.error()), HasSubstr("a-b.json"));
}

TEST(PlanSweep, APolicysOwnTableMayBeAFolder) {
  FakeModel model;
  TemporaryFolder folder;
  const std::vector<double> x{0, 1}, cdf{0.25, 1};
  spill(folder / "distribution_model_layer_1.pkl",
        calibration::write_pickle({{"x", x}, {"cdf", cdf}}));
  auto configuration = bh("own", 2);
  configuration.policy.table = folder.path().string();
  ::bhroute::testing::LogRecorder log;
  const auto plan = plan_sweep({configuration}, model.description(), sources());
  ASSERT_TRUE(plan) << to_string(plan.error());
  EXPECT_EQ(plan->jobs[0].table.table->layers.size(), 1U);
  EXPECT_EQ(plan->jobs[0].table.path, folder.path().string());
  EXPECT_NE(plan->jobs[0].table.sha256, "hash");
  EXPECT_THAT(log.warnings, ElementsAre(HasSubstr("missing layers 0, 3"))) << "the model's own";
}

TEST(PlanSweep, APolicysOwnTableMustBeReadable) {
  FakeModel model;
  auto configuration = bh("own", 2);
  configuration.policy.table = "/nowhere/table.safetensors";
  const auto plan = plan_sweep({configuration}, model.description(), sources());
  ASSERT_FALSE(plan);
  EXPECT_THAT(to_string(plan.error()), HasSubstr("/nowhere/table.safetensors"));
}

class HashTables : public ::testing::Test {
 protected:
  std::string hash_of(const std::string& path) {
    SweepOptions options;
    options.tables["all"] = {path, nullptr};
    const auto hashed = hash_tables(options);
    return hashed ? hashed->at("all").sha256 : to_string(hashed.error());
  }
  TemporaryFolder folder_;
};

TEST_F(HashTables, FilesByContentFoldersByTheirFiles) {
  spill(folder_ / "table", "content");
  EXPECT_EQ(hash_of((folder_ / "table").string()), sha256("content"));
  const std::string folder = hash_of(folder_.path().string());
  EXPECT_EQ(folder.size(), 64U);
  spill(folder_ / "table", "changed");
  EXPECT_NE(hash_of(folder_.path().string()), folder);
  EXPECT_EQ(hash_of(""), "none");
  EXPECT_THAT(hash_of((folder_ / "missing").string()), HasSubstr("missing"));
}

TEST_F(HashTables, ATableNeedsAPath) {
  SweepOptions options;
  options.tables["all"] = {"", std::make_shared<calibration::CalibrationTable>()};
  EXPECT_THAT(to_string(hash_tables(options).error()), HasSubstr("no path"));
}

}  // namespace
}  // namespace bhroute::evaluation
