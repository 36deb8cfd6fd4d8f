#include <gmock/gmock.h>

#include "bhroute/evaluation/report.h"
#include "evaluation/report_sample.h"

namespace bhroute::evaluation {
namespace {

using testing::ElementsAre;
using testing::StartsWith;

TEST(Verdict, AParagraphForEachFindingInOrder) {
  const auto paragraphs = verdict(sample_results(), "results.json");
  ASSERT_TRUE(paragraphs);
  EXPECT_THAT(*paragraphs,
              ElementsAre(StartsWith("At equal mean experts"),
                          StartsWith("From the original's choice"), StartsWith("No grid point"),
                          StartsWith("90.0 % of the choices"), StartsWith("Renormalising"),
                          StartsWith("The null “unselected”"), StartsWith("Less arithmetic")));
}

TEST(Verdict, TheHeadlineIsTheBestPolicy) {
  json results = sample_results();
  for (json& run : results["runs"])
    run.update(json{{"static_difference", 0.1},
                    {"static_difference_low", 0.05},
                    {"static_difference_high", 0.15}});
  const auto paragraphs = verdict(results, "results.json");
  ASSERT_TRUE(paragraphs);
  EXPECT_THAT(paragraphs->front(),
              testing::AllOf(StartsWith("Each of "), testing::HasSubstr("loses least.")));
}

TEST(Verdict, LeavesOutWhatItCannotKnowAndSaysSo) {
  json results = sample_results();
  results["runs"] = json{results["runs"][4]};
  const auto paragraphs = verdict(results, "results.json");
  ASSERT_TRUE(paragraphs);
  EXPECT_THAT(*paragraphs,
              ElementsAre(StartsWith("90.0 % of the choices"), StartsWith("Parts are missing.")));
}

TEST(Verdict, PassesOnWhatIsWrong) {
  const auto paragraphs = verdict(json::object(), "out/results.json");
  ASSERT_FALSE(paragraphs);
  EXPECT_EQ(paragraphs.error().kind, ErrorKind::invalid_input);
  EXPECT_EQ(paragraphs.error().where, "out/results.json");
}

}  // namespace
}  // namespace bhroute::evaluation
