#include <gmock/gmock.h>

#include "../../src/evaluation/verdict_paragraphs.h"
#include "evaluation/report_sample.h"

namespace bhroute::evaluation {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

ReportSweep read(const json& results) { return *read_report_sweep(results, "sample"); }

std::string equal_cost(const json& results) {
  const ReportSweep sweep = read(results);
  return equal_cost_paragraph(sweep, StaticCurve(sweep));
}

json with_grid_losses(double first, double second) {
  json results = sample_results();
  results["runs"][4].update(json{{"loss", first}, {"loss_difference", first - 4.0}});
  results["runs"][5].update(json{{"loss", second}, {"loss_difference", second - 4.0}});
  return results;
}

TEST(EqualCost, StaticWins) {
  const std::string text = equal_cost(sample_results());
  EXPECT_THAT(text, StartsWith("At equal mean experts, static top-k wins. "));
  EXPECT_THAT(
      text,
      HasSubstr("has 6.000 nats (perplexity 403.4) with 3.00 experts a token; static "
                "top-k, interpolated at the same mean, has 5.500 nats: 0.500 ± 0.020 nats less."));
  EXPECT_THAT(text, HasSubstr("2 grid points: 0 below the static curve, 2 above it, 0 within"));
}

TEST(EqualCost, BenjaminiHochbergWins) {
  const std::string text = equal_cost(with_grid_losses(6.0, 5.0));
  EXPECT_THAT(text, StartsWith("At equal mean experts, Benjamini-Hochberg routing wins. "));
  EXPECT_THAT(text, HasSubstr("0.500 ± 0.020 nats more."));
}

TEST(EqualCost, GoesByIntervalsWhereTheResultsHaveThem) {
  json results = sample_results();
  results["runs"][4].update(json{{"static_difference", 0.5},
                                 {"static_difference_low", -0.1},
                                 {"static_difference_high", 1.1}});
  results["runs"][5].update(json{{"static_difference", -0.25},
                                 {"static_difference_low", -0.4},
                                 {"static_difference_high", -0.1}});
  const std::string text = equal_cost(results);
  EXPECT_THAT(text, StartsWith("At equal mean experts, Benjamini-Hochberg routing wins wherever "));
  EXPECT_THAT(text, HasSubstr("has 6.250 nats: 0.250 [0.100, 0.400] nats more."));
  EXPECT_THAT(
      text, HasSubstr("1 below the static curve, 0 above it, 1 within their 95 % interval of it."));
}

TEST(EqualCost, EachWinsSomewhere) {
  EXPECT_THAT(equal_cost(with_grid_losses(7.0, 5.0)),
              StartsWith("At equal mean experts, static top-k wins at 1 grid point and "
                         "Benjamini-Hochberg routing at 1. "));
}

TEST(EqualCost, ClaimsNoWinWithinTheNoise) {
  EXPECT_THAT(
      equal_cost(with_grid_losses(6.53, 6.0)),
      StartsWith("At equal mean experts, static top-k wins wherever the two can be told apart. "));
}

TEST(EqualCost, WithinTheNoise) {
  const std::string text = equal_cost(with_grid_losses(6.53, 5.51));
  EXPECT_THAT(text, HasSubstr("cannot be told apart."));
  EXPECT_THAT(text, HasSubstr("a difference of 0.010 ± 0.020 nats, within the noise."));
}

TEST(EqualCost, SaysWhichPointsLieOutsideTheCurve) {
  json results = sample_results();
  results["runs"][4]["mean_experts"] = 9.0;
  EXPECT_THAT(equal_cost(results),
              HasSubstr("1 above it, 0 within two standard errors of it, 1 outside its range."));
}

TEST(EqualCost, SaysNothingWithoutACurve) {
  json results = sample_results();
  for (const int run : {3, 2, 1, 0}) results["runs"].erase(run);
  EXPECT_EQ(equal_cost(results), "");
}

TEST(AgainstBaseline, NoPointKeepsQuality) {
  const std::string text = baseline_paragraph(read(sample_results()));
  EXPECT_THAT(
      text,
      StartsWith("No grid point keeps the quality of the model's own top-8. It has 4.000 nats"));
  EXPECT_THAT(text,
              HasSubstr("loses 2.000 ± 0.010 nats while the experts and the router do 37.5 % of"));
}

TEST(AgainstBaseline, CountsThePointsThatKeepIt) {
  EXPECT_THAT(baseline_paragraph(read(with_grid_losses(7.0, 4.015))),
              StartsWith("1 of 2 grid points keep the quality of the model's own top-8."));
}

TEST(AgainstBaseline, SaysNothingWithoutOne) {
  json results = sample_results();
  results["runs"].erase(0);
  EXPECT_EQ(baseline_paragraph(read(results)), "");
}

}  // namespace
}  // namespace bhroute::evaluation
