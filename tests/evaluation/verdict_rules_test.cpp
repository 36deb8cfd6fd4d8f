#include <gmock/gmock.h>

#include "../../src/evaluation/verdict_paragraphs.h"
#include "evaluation/report_sample.h"

namespace bhroute::evaluation {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

json with_difference(json run, double difference, double width) {
  run.update(json{{"static_difference", difference},
                  {"static_difference_low", difference - width},
                  {"static_difference_high", difference + width}});
  return run;
}

json rival(std::string name, double difference, double width, std::string marking = "rival") {
  json run = sample_run(std::move(name), "reference", std::move(marking), 5.0, 4.5);
  run["policy"] = {{"rule", "top_p"}, {"p", 0.5}, {"min_k", 1}, {"max_k", 8}};
  return with_difference(std::move(run), difference, width);
}

ReportSweep read(std::vector<json> more) {
  json results = sample_results();
  for (json& run : more) results["runs"].push_back(std::move(run));
  return *read_report_sweep(results, "sample");
}

json on_the_grid(std::string name, double difference, double width) {
  json run = rival(std::move(name), difference, width, "");
  run["role"] = "grid";
  return run;
}

TEST(BestParagraph, IsTheBestOfAllPoliciesNotOfTheTunedOnly) {
  const auto text =
      best_paragraph(read({rival("tuned 5", -0.004, 0.002, "tuned"), rival("top_p", -0.006, 0.002),
                           on_the_grid("alpha 0.2", 0.01, 0.002)}));
  EXPECT_THAT(text,
              StartsWith("The best of 3 policies at equal cost, top_p, beats a fixed number of "
                         "experts. Its loss minus that of a fixed number with the same weights "
                         "at the same mean: −0.0060 [−0.0080, −0.0040] nats; perplexity"));
  EXPECT_THAT(text, HasSubstr("With 3 looks, about 0.1 would seem to win"));
  EXPECT_THAT(best_paragraph(
                  read({rival("top_p", -0.004, 0.002), on_the_grid("alpha 0.2", -0.006, 0.002)})),
              StartsWith("The best of 2 policies at equal cost, alpha 0.2, beats"));
}

TEST(BestParagraph, ANoisyDifferenceIsNotTheBest) {
  EXPECT_THAT(best_paragraph(read({on_the_grid("one expert", -0.054, 0.06), rival("tuned 7", -0.05, 0.02, "tuned")})),
              StartsWith("The best of 2 policies at equal cost, tuned 7, beats"));
}

TEST(BestParagraph, TiesAndLosses) {
  EXPECT_THAT(best_paragraph(read({rival("near", -0.001, 0.002), rival("bad", 0.05, 0.01)})),
              StartsWith("The best of 2 policies at equal cost, near, cannot be told apart from"));
  EXPECT_THAT(best_paragraph(read({rival("a", 0.05, 0.01), rival("b", 0.02, 0.01)})),
              StartsWith("Each of 2 policies loses to a fixed number of experts at equal cost; b "
                         "loses least."));
  EXPECT_EQ(best_paragraph(read({})), "");
}

TEST(BestParagraph, OnePolicyIsNotCalledTheBestOfOne) {
  const auto text = best_paragraph(read({rival("good", -0.006, 0.002)}));
  EXPECT_THAT(text, StartsWith("The one policy at equal cost, good, beats a fixed number of"));
  EXPECT_THAT(text, testing::Not(HasSubstr("looks"))) << "one look is no choice";
  EXPECT_THAT(best_paragraph(read({rival("near", -0.001, 0.002)})),
              StartsWith("The one policy at equal cost, near, cannot be told apart from"));
  EXPECT_THAT(best_paragraph(read({rival("a", 0.05, 0.01)})),
              StartsWith("The one policy at equal cost, a, loses to a fixed number of experts."));
}

TEST(RulesParagraph, ARuleWins) {
  const auto text = rules_paragraph(
      read({rival("good", -0.006, 0.002), rival("level", 0.001, 0.002), rival("bad", 0.05, 0.01)}));
  EXPECT_THAT(
      text,
      StartsWith("1 of 3 rules beyond the grid beats a fixed number of experts at equal cost. "
                 "1 win, 1 cannot be told apart, 1 lose,"));
  EXPECT_THAT(text,
              HasSubstr("The best is good: −0.0060 [−0.0080, −0.0040] nats at 5.00 experts."));
  EXPECT_THAT(text, HasSubstr("With 3 looks, about 0.1 would seem to win"));
}

TEST(RulesParagraph, ATieIsNoWin) {
  const auto text = rules_paragraph(read({rival("near", -0.001, 0.002), rival("bad", 0.05, 0.01)}));
  EXPECT_THAT(
      text,
      StartsWith(
          "No rule beats a fixed number of experts at equal cost; 1 of 2 cannot be told apart "
          "from it. 0 win"));
  EXPECT_THAT(text, testing::Not(HasSubstr("looks")));
}

TEST(RulesParagraph, EveryRuleLoses) {
  EXPECT_THAT(rules_paragraph(read({rival("a", 0.05, 0.01), rival("b", 0.02, 0.01)})),
              StartsWith("Each of 2 rules beyond the grid loses to a fixed number of experts. "));
  EXPECT_EQ(rules_paragraph(read({})), "");
}

TEST(TunedParagraph, WinsTiesLoses) {
  EXPECT_THAT(
      tuned_paragraph(read({rival("tuned 5", -0.006, 0.002, "tuned")})),
      StartsWith(
          "The tuned policy beats a fixed number of experts at its cost. Loss minus that of the "
          "fixed "
          "number at the same mean: tuned 5: −0.0060 [−0.0080, −0.0040] nats at 5.00 experts."));
  EXPECT_THAT(
      tuned_paragraph(read({rival("tuned 5", -0.001, 0.002, "tuned")})),
      StartsWith(
          "The tuned policy and a fixed number of experts cannot be told apart at equal cost."));
  EXPECT_THAT(tuned_paragraph(read({rival("tuned 5", 0.01, 0.002, "tuned")})),
              StartsWith("The tuned policy loses to a fixed number of experts."));
  EXPECT_THAT(tuned_paragraph(read({rival("tuned 5", -0.006, 0.002, "tuned"),
                                    rival("tuned 6", -0.001, 0.002, "tuned"),
                                    rival("tuned 7", 0.01, 0.002, "tuned")})),
              StartsWith("1 of 3 tuned policies beat a fixed number of experts at their cost, 1 lose."));
  EXPECT_EQ(tuned_paragraph(read({rival("not tuned", 0.01, 0.002)})), "");
}

TEST(StoryParagraph, FromTheOriginalToTheTuned) {
  const auto text = story_paragraph(read({rival("tuned 5", -0.006, 0.002, "tuned")}));
  EXPECT_THAT(
      text,
      HasSubstr(
          "renormalized weights (alpha 0.05, max_k 16) has perplexity 1636.0 with 1.50 experts; "
          "with the model's own weights perplexity 1096.6 with 1.50 experts"));
  EXPECT_THAT(text,
              HasSubstr("with the null “unselected” too, perplexity 190.6 with 4.00 experts"));
  EXPECT_THAT(
      text,
      HasSubstr(
          "tuned for a budget, perplexity 90.0 with 5.00 experts. The model's own routing has "
          "perplexity 54.6 with 8.00 experts."));
}

ReportSweep elastic(double mean, double low, double high) {
  json results = sample_results();
  results["model"]["name"] = "elastic";
  for (json& run : results["runs"])
    run.update(json{{"reference_difference", 1.0},
                    {"reference_difference_low", 0.9},
                    {"reference_difference_high", 1.1}});
  json cheap = rival("tuned 4", -0.01, 0.002, "tuned");
  cheap.update(json{{"mean_experts", mean},
                    {"reference_difference", (low + high) / 2},
                    {"reference_difference_low", low},
                    {"reference_difference_high", high}});
  results["runs"].push_back(cheap);
  return *read_report_sweep(results, "sample");
}

ReportSweep plain() {
  json results = sample_results();
  results["model"]["name"] = "plain";
  json tuned = rival("tuned 6", -0.01, 0.002, "tuned");
  tuned.update(
      json{{"mean_experts", 6.0}, {"loss_difference_low", -0.01}, {"loss_difference_high", 0.02}});
  results["runs"].push_back(tuned);
  return *read_report_sweep(results, "sample");
}

TEST(ModelsParagraph, NamesTheCheapestThatIsNotWorse) {
  const std::vector<ReportSweep> both{plain(), elastic(4.0, -0.1, -0.05)};
  const auto text = models_paragraph(both);
  EXPECT_THAT(
      text,
      StartsWith(
          "The cheapest policy that is not worse than plain's own routing: tuned 4 of elastic, "
          "perplexity 90.0 with 4.00 experts."));
  EXPECT_THAT(text, HasSubstr("Cheapest of plain: tuned 6 with 6.00 experts."));
  EXPECT_THAT(text, HasSubstr("Cheapest of elastic: tuned 4 with 4.00 experts."));
}

TEST(ModelsParagraph, AWorsePolicyDoesNotCount) {
  const std::vector<ReportSweep> both{plain(), elastic(4.0, 0.01, 0.05)};
  EXPECT_THAT(models_paragraph(both), HasSubstr("own routing: tuned 6 of plain"));
  EXPECT_THAT(models_paragraph(both), HasSubstr("Cheapest of elastic: none."));
  EXPECT_THAT(models_paragraph(std::vector{plain()}), testing::Not(HasSubstr("Cheapest of")));
}

TEST(ModelsParagraph, SilentWithoutIntervals) {
  EXPECT_EQ(models_paragraph(std::vector{read({})}), "");
  EXPECT_EQ(models_paragraph({}), "");
}

}  // namespace
}  // namespace bhroute::evaluation
