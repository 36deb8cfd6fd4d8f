#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "bhroute/core/file.h"
#include "bhroute/evaluation/report.h"
#include "bhroute/evaluation/run_losses.h"
#include "bhroute/evaluation/run_result.h"
#include "core/temporary_folder.h"

namespace bhroute::evaluation {
namespace {

using nlohmann::json;

// A folder as a sweep leaves it, two windows of two scored tokens.
class SweepFolder {
 public:
  explicit SweepFolder(std::string text = "text") : text_(std::move(text)) {
    std::filesystem::create_directories(folder_ / "runs");
  }
  void add(const std::string& name, const std::string& role, std::vector<float> losses) {
    RunResult run;
    run.name = name;
    run.role = role;
    run.num_tokens = losses.size();
    json object{{"model", {{"name", "m"}, {"sha256", "m"}}},
                {"text", {{"path", "t"}, {"sha256", text_}}},
                {"window", 6},
                {"windows", 2},
                {"score", "second_half"},
                {"run", to_json(run, false)}};
    EXPECT_TRUE(write_losses(folder_ / ("runs/" + name + ".losses.f32"), losses, object));
    EXPECT_TRUE(write_file(folder_ / ("runs/" + name + ".json"), object.dump()));
    results["runs"].push_back(to_json(run, false));
  }
  const std::filesystem::path& path() const { return folder_.path(); }
  json results;

 private:
  testing::TemporaryFolder folder_;
  std::string text_;
};

TEST(PairWithFirst, PutsTheDifferenceIntoEveryRun) {
  SweepFolder first, other;
  first.add("own", "baseline", {2, 2, 3, 3});
  other.add("own", "baseline", {1, 1, 1, 1});
  other.add("cheap", "reference", {2, 2, 2, 2});
  ASSERT_TRUE(pair_with_first(other.results, other.path(), first.results, first.path()));
  EXPECT_EQ(other.results["runs"][0]["reference_difference"], -1.5);
  EXPECT_EQ(other.results["runs"][1]["reference_difference"], -0.5);
  EXPECT_EQ(other.results["runs"][1]["reference_difference_low"], -1.0);
  EXPECT_EQ(other.results["runs"][1]["reference_difference_high"], 0.0);
}

TEST(PairWithFirst, RefusesAnotherText) {
  SweepFolder first, other("another text");
  first.add("own", "baseline", {2, 2, 3, 3});
  other.add("own", "baseline", {1, 1, 1, 1});
  const auto paired = pair_with_first(other.results, other.path(), first.results, first.path());
  EXPECT_EQ(paired.error().what, "cannot be compared: they differ in the text");
}

TEST(PairWithFirst, NeedsABaselineAndTheRuns) {
  SweepFolder first, other;
  first.add("grid", "grid", {2, 2, 3, 3});
  other.add("own", "baseline", {1, 1, 1, 1});
  EXPECT_EQ(pair_with_first(other.results, other.path(), first.results, first.path()).error().what,
            "holds no run of the model's own routing");
  first.add("own", "baseline", {2, 2, 3, 3});
  other.results["runs"].push_back({{"name", "lost"}});
  EXPECT_FALSE(pair_with_first(other.results, other.path(), first.results, first.path()));
  other.results["runs"] = json::parse(R"([{"name": 3}])");
  EXPECT_FALSE(pair_with_first(other.results, other.path(), first.results, first.path()));
  const json nameless = json::parse(R"({"runs": [{"role": 3}, {"role": "baseline", "name": 3}]})");
  EXPECT_FALSE(pair_with_first(other.results, other.path(), nameless, first.path()));
  json wrong = json::array();
  EXPECT_FALSE(pair_with_first(wrong, other.path(), first.results, first.path()));
}

}  // namespace
}  // namespace bhroute::evaluation
