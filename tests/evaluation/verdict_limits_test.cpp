#include <gmock/gmock.h>

#include "../../src/evaluation/verdict_paragraphs.h"
#include "evaluation/report_sample.h"

namespace bhroute::evaluation {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

ReportSweep read(const json& results) { return *read_report_sweep(results, "sample"); }

TEST(SpeedParagraph, TellsArithmeticAndTime) {
  json results = sample_results();
  results["runs"][5]["tokens_per_second"] = 800.0;
  const std::string text = speed_paragraph(read(results));
  EXPECT_THAT(text, StartsWith("Less arithmetic, but not faster. "));
  EXPECT_THAT(text, HasSubstr("needs 37.5 % of the arithmetic"));
  EXPECT_THAT(text,
              HasSubstr("at 800 tokens a second, the model's own routing at 1000 (0.80 times)."));
}

TEST(SpeedParagraph, TellsAGain) {
  json results = sample_results();
  results["runs"][5]["tokens_per_second"] = 1500.0;
  EXPECT_THAT(speed_paragraph(read(results)), StartsWith("Less arithmetic, and faster. "));
  results["runs"][5]["relative_flops"] = 1.1;
  EXPECT_THAT(speed_paragraph(read(results)),
              StartsWith("The best grid point saves no arithmetic. "));
}

TEST(SpeedParagraph, SaysNothingWithoutATime) {
  json results = sample_results();
  results["runs"][5].erase("tokens_per_second");
  EXPECT_EQ(speed_paragraph(read(results)), "");
}

TEST(MissingParagraph, IsEmptyWhenNothingIsMissing) {
  EXPECT_EQ(missing_paragraph(read(sample_results())), "");
}

TEST(MissingParagraph, NamesWhatIsMissing) {
  json results = sample_results();
  results["runs"] = json{results["runs"][4]};
  results["runs"][0].erase("floor_share");
  const std::string text = missing_paragraph(read(results));
  EXPECT_THAT(
      text,
      StartsWith("Parts are missing. These results hold no run of the model's own routing, "));
  for (const char* part : {"fewer than two static points", "no run marked “renormalized”",
                           "no run marked “unselected”", "no shares at the floor"})
    EXPECT_THAT(text, HasSubstr(part));
}

TEST(MissingParagraph, NamesAMissingGrid) {
  json results = sample_results();
  for (const int run : {5, 4}) results["runs"].erase(run);
  EXPECT_THAT(missing_paragraph(read(results)), HasSubstr("no grid points"));
}

}  // namespace
}  // namespace bhroute::evaluation
