#include "bhroute/evaluation/sweep.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "bhroute/calibration/calibration_file.h"
#include "bhroute/evaluation/calibrate.h"
#include "core/temporary_folder.h"
#include "evaluation/fake_model.h"

namespace bhroute::evaluation {
namespace {

using ::bhroute::testing::slurp;
using ::bhroute::testing::TemporaryFolder;

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

Configuration bh(double alpha, std::size_t max_k) {
  Configuration configuration{fmt::format("bh {} {}", alpha, max_k), "grid", "", "all", {}};
  configuration.policy.alpha = alpha;
  configuration.policy.max_k = max_k;
  return configuration;
}

Configuration fixed(std::size_t k, bool plain, const std::string& role = "reference") {
  Configuration configuration{
      fmt::format("{} {}", plain ? "static" : "policy", k), role, "", "", {}, plain};
  configuration.policy.rule = routing::Rule::top_k;
  configuration.policy.k = k;
  return configuration;
}

class SweepFolder : public ::testing::Test {
 protected:
  SweepFolder() {
    options_.directory = folder_ / "sweep";
    options_.command = "test";
    options_.text_sha256 = "text";
    use_table("table.safetensors", fake_windows(40));
  }

  void use_table(const std::string& name, const WindowedText& text) {
    FakeModel model;
    auto tables = calibrate(model, text, {{}}, {}, quiet_);
    ASSERT_TRUE(tables) << to_string(tables.error());
    const auto path = folder_ / name;
    ASSERT_TRUE(calibration::write_table(path, tables->front()));
    options_.tables["all"] = {
        path.string(), std::make_shared<calibration::CalibrationTable>(std::move(tables->front()))};
  }

  SweepOutcome sweep(FakeModel& model) {
    auto outcome = run_sweep(model, text_, list_, options_, quiet_);
    EXPECT_TRUE(outcome) << to_string(outcome.error());
    return outcome ? *outcome : SweepOutcome{};
  }
  json results() const { return json::parse(slurp(options_.directory / "results.json")); }

  TemporaryFolder folder_;
  NoProgress quiet_;
  WindowedText text_ = fake_windows(4);
  SweepOptions options_;
  std::vector<Configuration> list_{fixed(2, true, "baseline"),
                                   bh(0.2, 2),
                                   bh(0.2, 6),
                                   bh(0.4, 6),
                                   fixed(1, true),
                                   fixed(6, true)};
};

const RunResult& named(const SweepOutcome& outcome, const std::string& name) {
  for (const RunResult& run : outcome.runs)
    if (run.name == name) return run;
  throw std::out_of_range(name);
}

TEST_F(SweepFolder, EveryConfigurationInTheListsOrderWithOneLoadForEachNumberOfSlots) {
  FakeModel model;
  const SweepOutcome outcome = sweep(model);
  ASSERT_EQ(outcome.runs.size(), list_.size());
  for (std::size_t i = 0; i < list_.size(); ++i) {
    EXPECT_EQ(outcome.runs[i].name, list_[i].name);
    EXPECT_EQ(outcome.runs[i].policy, list_[i].policy);
  }
  EXPECT_EQ(model.num_loads, 2U);                        // 2 (as it starts), 6, 1
  EXPECT_EQ(model.num_decodes, 2 * (list_.size() + 1));  // one more pass for the own logits
  EXPECT_EQ(outcome.num_reused, 0U);
  EXPECT_TRUE(outcome.notes.empty());
  EXPECT_FALSE(std::filesystem::exists(options_.directory / "own_logits.bin"));
}

TEST_F(SweepFolder, NumbersAreThoseOfEvaluateAndPairedWithTheBaseline) {
  FakeModel model;
  const SweepOutcome outcome = sweep(model);
  const RunResult& baseline = outcome.runs[0];
  EXPECT_EQ(baseline.kl, 0.0);
  EXPECT_EQ(baseline.loss_difference, 0.0);
  EXPECT_EQ(baseline.loss_difference_se, 0.0);
  EXPECT_EQ(baseline.mean_experts, 2.0);
  const RunResult& run = outcome.runs[3];
  EXPECT_NEAR(*run.loss_difference, run.loss - baseline.loss, 1e-6);
  EXPECT_GT(*run.loss_difference_se, 0.0);
  EXPECT_GT(run.kl, 0.0);
  EXPECT_GT(run.mean_experts, 1.0);
  EXPECT_EQ(run.table, options_.tables["all"].first);
  EXPECT_EQ(run.null, "all");
  EXPECT_EQ(named(outcome, "static 1").mean_experts, 1.0);
  EXPECT_EQ(named(outcome, "static 6").mean_experts, 6.0);
}

TEST_F(SweepFolder, AStaticPointEqualsItsPolicy) {
  list_ = {fixed(2, true, "baseline"),
           fixed(1, true),
           fixed(1, false),
           fixed(2, false),
           fixed(6, true),
           fixed(6, false)};
  FakeModel model;
  const SweepOutcome outcome = sweep(model);
  EXPECT_NEAR(named(outcome, "static 1").loss, named(outcome, "policy 1").loss, 1e-6);
  EXPECT_NEAR(named(outcome, "static 2").loss, named(outcome, "policy 2").loss, 1e-6);
  const RunResult &plain = named(outcome, "static 6"), &routed = named(outcome, "policy 6");
  EXPECT_NEAR(plain.loss, routed.loss, 1e-6);
  EXPECT_EQ(plain.ceiling_share, 1.0);
  for (const auto& [layer, result] : routed.layers)
    EXPECT_EQ(plain.layers.at(layer).utilisation, result.utilisation);
  EXPECT_FALSE(model.plain_override()) << "off again afterwards";
}

TEST_F(SweepFolder, FilesSayWhatWasMadeFromWhat) {
  FakeModel model;
  const SweepOutcome outcome = sweep(model);
  const json all = results();
  for (const char* key : {"model", "text", "table", "versions", "runs", "units", "seeds", "command",
                          "notes", "windows", "window", "score"})
    EXPECT_TRUE(all.contains(key)) << key;
  EXPECT_EQ(all["table"]["all"]["null"], "all");
  ASSERT_EQ(all["runs"].size(), list_.size());
  EXPECT_EQ(all["runs"][2], to_json(outcome.runs[2], false));
  for (const auto& entry : std::filesystem::directory_iterator(options_.directory / "runs")) {
    EXPECT_NE(entry.path().extension(), ".tmp");
    if (entry.path().extension() != ".json") continue;
    const json one = json::parse(slurp(entry.path()));
    for (const char* key :
         {"fingerprint", "versions", "command", "units", "model", "text", "table"})
      EXPECT_TRUE(one.contains(key)) << key;
  }
  EXPECT_THAT(slurp(options_.directory / "results.csv"), HasSubstr(list_[5].name));
}

TEST_F(SweepFolder, AFinishedSweepDecodesNothing) {
  FakeModel first, again;
  const SweepOutcome outcome = sweep(first);
  const std::string before = slurp(options_.directory / "results.json");
  EXPECT_EQ(sweep(again).num_reused, list_.size());
  EXPECT_EQ(again.num_decodes, 0U);
  EXPECT_EQ(again.num_loads, 0U);
  EXPECT_EQ(slurp(options_.directory / "results.json"), before);
}

TEST_F(SweepFolder, TellsOfEachFinishedConfigurationAndWhetherItWasReused) {
  std::vector<std::string> told;
  options_.on_finished = [&](const RunResult& run, bool reused) {
    told.push_back(run.name + (reused ? " reused" : ""));
    EXPECT_TRUE(run.loss_difference);
  };
  list_ = {fixed(2, true, "baseline"), fixed(1, true)};
  FakeModel first, again;
  sweep(first);
  sweep(again);
  EXPECT_THAT(told, ElementsAre("static 2", "static 1", "static 2 reused", "static 1 reused"));
}

TEST_F(SweepFolder, RunsAgainOnlyWhatIsMissing) {
  FakeModel first, again;
  const SweepOutcome outcome = sweep(first);
  std::filesystem::remove(options_.directory / "runs" / "static-1.json");
  const SweepOutcome repeated = sweep(again);
  EXPECT_EQ(repeated.num_reused, list_.size() - 1);
  EXPECT_EQ(again.num_decodes, 4U);  // own logits and one run, two groups of windows each
  EXPECT_EQ(named(repeated, "static 1").loss, named(outcome, "static 1").loss);
  EXPECT_EQ(named(repeated, "static 1").loss_difference,
            named(outcome, "static 1").loss_difference);
}

TEST_F(SweepFolder, ContinuesWhereItStopped) {
  FakeModel breaks({.fail_at_decode = 7});  // in the third run
  const auto failed = run_sweep(breaks, text_, list_, options_, quiet_);
  ASSERT_FALSE(failed);
  EXPECT_EQ(to_string(failed.error()), "fake: decode failed");
  EXPECT_EQ(results()["runs"].size(), 2U);
  FakeModel again;
  EXPECT_EQ(sweep(again).num_reused, 2U);
  EXPECT_EQ(again.num_decodes, 2 * (list_.size() - 2));  // the own logits were on disk
  EXPECT_EQ(results()["runs"].size(), list_.size());
}

TEST_F(SweepFolder, AnythingThatDecidesTheNumbersMakesThemRunAgain) {
  FakeModel first;
  sweep(first);
  FakeModel other_model;
  other_model.mutable_description().sha256 = std::string(64, 'b');
  EXPECT_EQ(sweep(other_model).num_reused, 0U);

  FakeModel other_text;
  text_ = fake_windows(3);
  EXPECT_EQ(sweep(other_text).num_reused, 0U);

  FakeModel other_table;
  use_table("table2.safetensors", fake_windows(39));
  EXPECT_EQ(sweep(other_table).num_reused, 3U);  // the three that need no table

  FakeModel other_policy;
  list_[1].policy.alpha = 0.25;
  EXPECT_EQ(sweep(other_policy).num_reused, list_.size() - 1);
}

TEST_F(SweepFolder, ARefusalIsNotedAndTheSweepGoesOn) {
  FakeModel model({.most_slots = 4});
  list_.push_back(bh(0.1, 9));
  const SweepOutcome outcome = sweep(model);
  EXPECT_EQ(outcome.runs.size(), 3U);
  ASSERT_EQ(outcome.notes.size(), 4U);
  EXPECT_THAT(outcome.notes[0], HasSubstr("max_k 9 is above the model's 8 experts"));
  EXPECT_THAT(outcome.notes[1], HasSubstr("left out, fake: node budget too small"));
  EXPECT_EQ(results()["notes"].size(), 4U);
}

TEST_F(SweepFolder, APolicysOwnTableGivesItsNullAndIsRecorded) {
  list_ = {fixed(2, true, "baseline"), bh(0.2, 2)};
  list_[1].policy.table = options_.tables["all"].first;
  list_[1].null = "unselected";  // the list may say what it likes
  options_.tables.clear();
  FakeModel model;
  const SweepOutcome outcome = sweep(model);
  ASSERT_EQ(outcome.runs.size(), 2U);
  EXPECT_EQ(outcome.runs[1].null, "all");
  EXPECT_EQ(outcome.runs[1].table, list_[1].policy.table);
  EXPECT_EQ(results()["table"][list_[1].policy.table]["null"], "all");
}

TEST_F(SweepFolder, ATableTooSmallForAnAlphaIsNoted) {
  use_table("small.safetensors", fake_windows(1));  // 128 values
  list_ = {fixed(2, true, "baseline"), bh(0.01, 2), bh(0.2, 2)};
  FakeModel model;
  const SweepOutcome outcome = sweep(model);
  EXPECT_EQ(outcome.runs.size(), 2U);
  ASSERT_EQ(outcome.notes.size(), 1U);
  EXPECT_THAT(outcome.notes[0], HasSubstr(list_[1].name));
}

TEST_F(SweepFolder, WithoutABaselineNothingIsPaired) {
  list_ = {bh(0.2, 2)};
  FakeModel model;
  const SweepOutcome outcome = sweep(model);
  EXPECT_FALSE(outcome.runs[0].loss_difference);
  EXPECT_GE(outcome.runs[0].kl, 0.0);
}

TEST_F(SweepFolder, LabelsComeFromTheListOfToday) {
  FakeModel first, again;
  sweep(first);
  list_[2].role = "reference";
  list_[2].marking = "mine";
  const SweepOutcome outcome = sweep(again);
  EXPECT_EQ(again.num_decodes, 0U);
  EXPECT_EQ(outcome.runs[2].marking, "mine");
  EXPECT_EQ(results()["runs"][2]["role"], "reference");
}

}  // namespace
}  // namespace bhroute::evaluation
