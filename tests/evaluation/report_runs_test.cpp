#include "../../src/evaluation/report_runs.h"

#include <gtest/gtest.h>

#include "evaluation/report_sample.h"

namespace bhroute::evaluation {
namespace {

std::string error_of(const json& results) {
  const auto sweep = read_report_sweep(results, "results.json");
  return sweep ? "" : to_string(sweep.error());
}

TEST(ReportRuns, ReadsModelAndRuns) {
  const auto sweep = read_report_sweep(sample_results(), "results.json");
  ASSERT_TRUE(sweep);
  EXPECT_EQ(sweep->num_experts, 64u);
  EXPECT_EQ(sweep->top_k, 8u);
  ASSERT_EQ(sweep->runs.size(), 8u);
  const ReportRun& run = sweep->runs[5];
  EXPECT_EQ(run.alpha, 0.2);
  EXPECT_EQ(run.max_k, 16u);
  EXPECT_EQ(run.null, "all");
  EXPECT_EQ(run.loss, 6.0);
  EXPECT_EQ(run.loss_difference, 2.0);
}

TEST(ReportRuns, TellsGridMarkedAndBaselineApart) {
  const auto sweep = read_report_sweep(sample_results(), "results.json");
  ASSERT_TRUE(sweep);
  EXPECT_EQ(sweep->baseline()->name, "own");
  EXPECT_EQ(sweep->grid().size(), 2u);
  EXPECT_EQ(sweep->marked("static").size(), 3u);
  ASSERT_EQ(sweep->marked("unselected").size(), 1u);
  const ReportRun* twin = sweep->grid_twin(*sweep->marked("unselected").front());
  ASSERT_NE(twin, nullptr);
  EXPECT_EQ(twin->mean_experts, 1.5);
}

TEST(ReportRuns, AFixedNumberHasNoAlphaAndNoTwin) {
  json results = sample_results();
  results["runs"][1]["policy"] = {{"rule", "top_k"}, {"alpha", 0.05}, {"max_k", 16}};
  const auto sweep = read_report_sweep(results, "results.json");
  ASSERT_TRUE(sweep);
  EXPECT_FALSE(sweep->runs[1].alpha);
  EXPECT_EQ(sweep->grid_twin(sweep->runs[1]), nullptr);
}

TEST(ReportRuns, AbsentAndNullFiguresAreAbsent) {
  json results = sample_results();
  results.erase("model");
  results["runs"][4]["floor_share"] = nullptr;
  results["runs"][4].erase("loss_se");
  const auto sweep = read_report_sweep(results, "results.json");
  ASSERT_TRUE(sweep);
  EXPECT_FALSE(sweep->num_experts);
  EXPECT_FALSE(sweep->runs[4].floor_share);
  EXPECT_FALSE(sweep->runs[4].loss_se);
}

TEST(ReportRuns, NamesTheRunAndTheKeyThatIsMissing) {
  json results = sample_results();
  results["runs"][3].erase("loss");
  EXPECT_EQ(error_of(results), "results.json: runs[3]: lacks the key 'loss'");
}

TEST(ReportRuns, NamesTheWrongType) {
  json results = sample_results();
  results["runs"][2]["mean_experts"] = "two";
  EXPECT_EQ(error_of(results),
            "results.json: runs[2]: the key 'mean_experts' has the wrong type, got string, want a "
            "number");
  results = sample_results();
  results["runs"][4]["policy"]["max_k"] = -3;
  EXPECT_EQ(
      error_of(results),
      "results.json: runs[4].policy: the key 'max_k' has the wrong type, got number, want a count");
  results = sample_results();
  results["runs"][4]["policy"] = "bh";
  EXPECT_EQ(
      error_of(results),
      "results.json: runs[4]: the key 'policy' has the wrong type, got string, want an object");
}

TEST(ReportRuns, RefusesWhatIsNoSweep) {
  EXPECT_EQ(error_of(json::array()),
            "results.json: is no sweep's results, got array, want an object");
  EXPECT_EQ(error_of(json::object()), "results.json: lacks the key 'runs'");
  EXPECT_EQ(error_of({{"runs", 3}}),
            "results.json: the key 'runs' has the wrong type, got number, want an array");
  EXPECT_EQ(error_of({{"runs", json::array()}}),
            "results.json: the list 'runs' is empty, want at least one run");
  EXPECT_EQ(error_of({{"runs", {1}}}),
            "results.json: runs[0]: has the wrong type, got number, want an object");
}

}  // namespace
}  // namespace bhroute::evaluation
