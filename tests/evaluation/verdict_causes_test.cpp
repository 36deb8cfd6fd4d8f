#include <gmock/gmock.h>

#include "../../src/evaluation/verdict_paragraphs.h"
#include "evaluation/report_sample.h"

namespace bhroute::evaluation {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

ReportSweep read(const json& results) { return *read_report_sweep(results, "sample"); }

TEST(FloorParagraph, TellsSharesAndTheBound) {
  json results = sample_results();
  results["runs"][5]["floor_share"] = 0.6;
  const std::string text = floor_paragraph(read(results));
  EXPECT_THAT(text, StartsWith("60.0 to 90.0 % of the choices fall to the floor of min_k = 1. "));
  EXPECT_THAT(text, HasSubstr("takes 90.0 % at alpha 0.05 and 60.0 % at alpha 0.2."));
  EXPECT_THAT(text, HasSubstr("at most N alpha = 64 × 0.2 = 12.8"));
}

TEST(FloorParagraph, ClaimsTheBoundForTheNullAllOnly) {
  json results = sample_results();
  results["runs"][4]["null"] = "unselected";
  EXPECT_THAT(floor_paragraph(read(results)), Not(HasSubstr("uniform")));
}

TEST(FloorParagraph, SaysNothingWithoutShares) {
  json results = sample_results();
  for (json& run : results["runs"]) run.erase("floor_share");
  EXPECT_EQ(floor_paragraph(read(results)), "");
}

TEST(RenormalizedParagraph, TellsWhatItCosts) {
  const std::string text = renormalized_paragraph(read(sample_results()));
  EXPECT_THAT(text, StartsWith("Renormalising the weights costs quality. "));
  EXPECT_THAT(text, HasSubstr("by 0.400 ± 0.020 at alpha 0.05 (max_k 16)."));
}

TEST(RenormalizedParagraph, TellsThatTheCountsMove) {
  json results = sample_results();
  EXPECT_THAT(renormalized_paragraph(read(results)), Not(HasSubstr("counts move")));
  results["runs"][6]["mean_experts"] = 2.5;
  EXPECT_THAT(renormalized_paragraph(read(results)),
              HasSubstr("at alpha 0.05 the mean goes from 1.50 to 2.50 experts."));
}

TEST(RenormalizedParagraph, TellsWhenItCostsNothing) {
  json results = sample_results();
  results["runs"][6]["loss"] = 6.9;
  const std::string text = renormalized_paragraph(read(results));
  EXPECT_THAT(text, StartsWith("Renormalising the weights costs nothing here. "));
  EXPECT_THAT(text, HasSubstr("by −0.100 ± 0.020 at alpha 0.05"));
}

TEST(UnselectedParagraph, TellsWhatItChanges) {
  const ReportSweep sweep = read(sample_results());
  const std::string text = unselected_paragraph(sweep, StaticCurve(sweep));
  EXPECT_THAT(text, StartsWith("The null “unselected” selects more experts and loses less. "));
  EXPECT_THAT(text, HasSubstr("4.00 experts in place of 1.50 at alpha 0.05 and max_k 16; the loss "
                              "goes from 7.000 to 5.250 nats."));
  EXPECT_THAT(text, HasSubstr("is 0.250 ± 0.020 at alpha 0.05: above 0, static is better."));
}

TEST(UnselectedParagraph, NeedsATwinInTheGrid) {
  json results = sample_results();
  results["runs"][7]["policy"]["alpha"] = 0.3;
  const ReportSweep sweep = read(results);
  EXPECT_EQ(unselected_paragraph(sweep, StaticCurve(sweep)), "");
}

}  // namespace
}  // namespace bhroute::evaluation
