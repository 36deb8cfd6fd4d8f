#include <gmock/gmock.h>

#include <limits>

#include "bhroute/stats/kde.h"
#include "stats/reference_table.h"

namespace bhroute::stats {
namespace {

using testing::HasSubstr;

TEST(Bandwidth, EqualsScipys) {
  for (const auto& c : reference_cases("kde_cdf")) {
    const auto sample = CountedSample::create(c["values"], c["counts"]).value();
    const auto bandwidth = parse_bandwidth(c["bandwidth"].get<std::string>()).value();
    const double h = c["h"];
    EXPECT_NEAR(bandwidth_value(bandwidth, sample).value(), h, 1e-13 * h) << c.dump();
  }
}

TEST(Bandwidth, TextGoesBothWays) {
  for (const char* text : {"scott", "silverman", "0.1", "2.5e-07"})
    EXPECT_EQ(to_string(parse_bandwidth(text).value()), text);
}

TEST(Bandwidth, RefusesWhatIsNoWidth) {
  for (const char* text : {"0", "-1", "inf", "nan"})
    EXPECT_THAT(to_string(parse_bandwidth(text).error()), HasSubstr("not a usable width")) << text;
  for (const char* text : {"", "scot", "0.1 ", "0.1x", "1e999"})
    EXPECT_THAT(to_string(parse_bandwidth(text).error()), HasSubstr("neither a rule nor")) << text;
  const auto sample = CountedSample::create({1.0F, 2.0F}, {1, 1}).value();
  EXPECT_FALSE(bandwidth_value(0.0, sample));
  EXPECT_FALSE(bandwidth_value(std::numeric_limits<double>::infinity(), sample));
}

TEST(Bandwidth, ARuleNeedsTwoDistinctValues) {
  const auto sample = CountedSample::create({1.0F}, {9}).value();
  EXPECT_EQ(to_string(bandwidth_value(BandwidthRule::scott, sample).error()),
            "bandwidth: scott needs a spread, got a sample of one distinct value, want two, or a "
            "number as bandwidth");
  EXPECT_EQ(bandwidth_value(0.5, sample).value(), 0.5);
}

}  // namespace
}  // namespace bhroute::stats
