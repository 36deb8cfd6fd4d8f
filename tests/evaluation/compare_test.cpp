#include "bhroute/evaluation/compare.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "bhroute/core/file.h"
#include "bhroute/evaluation/run_losses.h"
#include "core/temporary_folder.h"

namespace bhroute::evaluation {
namespace {

using nlohmann::json;

RunResult result(std::vector<float> losses, double mean_experts) {
  RunResult run;
  run.name = "a run";
  run.mean_experts = mean_experts;
  run.num_tokens = losses.size();
  run.token_losses = std::move(losses);
  return run;
}

StoredRun stored(std::vector<float> losses, double mean_experts) {
  StoredRun run;
  run.text_sha256 = "text";
  run.tokens_sha256 = "tokens";
  run.window = 6;  // 2 scored tokens a window
  run.num_windows = losses.size() / 2;
  run.result = result(std::move(losses), mean_experts);
  return run;
}

TEST(CompareRuns, BetterWorseOrNeither) {
  const StoredRun a = stored({1, 1, 2, 2}, 4.5), b = stored({1.5, 1.5, 2.75, 2.75}, 5);
  const auto better = compare_runs(a, b);
  ASSERT_TRUE(better);
  EXPECT_DOUBLE_EQ(better->difference.estimate, -0.625);
  EXPECT_EQ(
      better->verdict,
      "A is better: its loss is 0.6250 nats a token lower (95 % interval 0.5000 to 0.7500), with "
      "0.50 experts a token fewer.");
  EXPECT_EQ(
      compare_runs(b, a)->verdict,
      "A is worse: its loss is 0.6250 nats a token higher (95 % interval 0.5000 to 0.7500), with "
      "0.50 experts a token more.");
  const auto level = compare_runs(stored({1, 1, 2, 2}, 5), stored({1.5, 1.5, 1.5, 1.5}, 5));
  EXPECT_EQ(level->verdict,
            "A and B cannot be told apart: the loss differs by +0.0000 nats a token, 95 % interval "
            "-0.5000 to +0.5000, with as many experts.");
  EXPECT_EQ(level->num_windows, 2u);
}

TEST(CompareRuns, RefusesByName) {
  const StoredRun a = stored({1, 1, 2, 2}, 4);
  const auto refused = [&](auto change) {
    StoredRun b = a;
    change(b);
    const auto found = compare_runs(a, b);
    return found ? std::string("compared") : found.error().what;
  };
  const std::string differ = "cannot be compared: they differ in ";
  EXPECT_EQ(refused([](auto& b) { b.text_sha256 = "other"; }), differ + "the text");
  EXPECT_EQ(refused([](auto& b) { b.window = 8; }), differ + "the tokens a window has");
  EXPECT_EQ(refused([](auto& b) { b.num_windows = 3; }), differ + "the number of windows");
  EXPECT_EQ(refused([](auto& b) { b.score = Score::all; }), differ + "the scoring");
  EXPECT_EQ(refused([](auto& b) { b.tokens_sha256 = "other"; }),
            differ + "the tokens of the text (another vocabulary)");
  EXPECT_EQ(refused([](auto& b) { b.result.num_tokens = 3; }),
            differ + "the number of scored tokens");
  EXPECT_EQ(refused([](auto& b) { b.model_sha256 = "other"; }), "compared");
  EXPECT_EQ(compare_runs(stored({1, 1}, 4), stored({1, 2}, 4)).error().what,
            "too few windows for an interval");
}

class LoadRun : public ::testing::Test {
 protected:
  std::filesystem::path write(json object, const std::vector<float>& losses) {
    EXPECT_TRUE(write_losses(folder_.path() / "x.losses.f32", losses, object));
    EXPECT_TRUE(write_file(folder_.path() / "x.json", object.dump()));
    return folder_.path() / "x.json";
  }
  static json origin() {
    return {{"model", {{"name", "nano"}, {"sha256", "m"}}},
            {"text", {{"path", "t.txt"}, {"sha256", "t"}, {"tokens_sha256", "k"}}},
            {"window", 6},
            {"score", "second_half"}};
  }
  testing::TemporaryFolder folder_;
};

TEST_F(LoadRun, OfASweepAndOfAnEvaluation) {
  json sweep = origin();
  sweep["windows"] = 2;
  sweep["run"] = to_json(result({1, 2, 3, 4}, 4), false);
  const auto first = load_run(write(sweep, {1, 2, 3, 4}));
  ASSERT_TRUE(first) << to_string(first.error());
  EXPECT_EQ(first->result.token_losses, (std::vector<float>{1, 2, 3, 4}));
  EXPECT_EQ(first->num_windows, 2u);
  json summary = to_json(result({1, 2, 3, 4}, 4), false);
  summary.update(origin());
  summary["num_windows"] = 2;
  const auto second = load_run(write(summary, {1, 2, 3, 4}));
  ASSERT_TRUE(second) << to_string(second.error());
  EXPECT_TRUE(compare_runs(*first, *second));
}

TEST_F(LoadRun, RefusesWhatIsNoRun) {
  json object = origin();
  object["windows"] = 2;
  object["run"] = to_json(result({1, 2, 3, 4}, 4), false);
  EXPECT_EQ(load_run(write(object, {1, 2, 3})).error().what,
            "not the losses that the run's JSON names");
  const auto path = write(object, {1, 2, 3, 4});
  object["losses_file"] = "../../etc/passwd";
  ASSERT_TRUE(write_file(path, object.dump()));
  EXPECT_NE(load_run(path).error().where.find((folder_.path() / "passwd").string()),
            std::string::npos);
  ASSERT_TRUE(write_file(path, "[]"));
  EXPECT_EQ(load_run(path).error().what, "not a run's result");
  ASSERT_TRUE(write_file(path, "{}"));
  EXPECT_NE(load_run(path).error().what.find("not a run's result"), std::string::npos);
}

}  // namespace
}  // namespace bhroute::evaluation
