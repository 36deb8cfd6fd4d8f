#include "bhroute/evaluation/report.h"

#include <gmock/gmock.h>

#include "evaluation/report_sample.h"

namespace bhroute::evaluation {
namespace {

using testing::HasSubstr;
using testing::Not;

// What the page's scripts read: the text of the element of id "page-data".
std::string data_of(const std::string& page) {
  const std::string open = R"(<script type="application/json" id="page-data">)";
  const std::size_t begin = page.find(open) + open.size();
  return page.substr(begin, page.find("</script>", begin) - begin);
}

TEST(Report, HoldsTheResultsAndTheVerdict) {
  const auto page = render_report(sample_results(), "results.json");
  ASSERT_TRUE(page);
  const json data = json::parse(data_of(*page));
  EXPECT_EQ(data["results"], sample_results());
  EXPECT_EQ(data["verdict"], json(*verdict(sample_results(), "results.json")));
}

TEST(Report, FillsEveryPlaceholder) {
  const auto page = render_report(sample_results(), "results.json");
  ASSERT_TRUE(page);
  for (const char* name : {"@@STYLE@@", "@@DATA@@", "@@PLOTLY@@", "@@SCRIPTS@@"})
    EXPECT_EQ(page->find(name), std::string::npos) << name;
  for (const char* part : {"--accent", "plotly.js", "registerFigure"})
    EXPECT_NE(page->find(part), std::string::npos) << part;
}

TEST(Report, AHostileNameStaysText) {
  json results = sample_results();
  const std::string name = "</script><script>alert(1)</script><!-- @@PLOTLY@@";
  results["model"]["name"] = name;
  const auto page = render_report(results, "results.json");
  ASSERT_TRUE(page);
  const std::string data = data_of(*page);
  EXPECT_THAT(data, Not(HasSubstr("<")));
  EXPECT_EQ(json::parse(data)["results"]["model"]["name"], name);
  EXPECT_EQ(page->find("<script>alert"), std::string::npos);
}

TEST(Report, BytesThatAreNotUtf8DoNotStopIt) {
  json results = sample_results();
  results["model"]["name"] = "\xff\xfe";
  const auto page = render_report(results, "results.json");
  ASSERT_TRUE(page);
  EXPECT_TRUE(json::accept(data_of(*page)));
}

TEST(Report, LeavesOutLossesOfSingleTokens) {
  json results = sample_results();
  results["runs"][0]["token_losses"] = {1.0, 2.0};
  const auto page = render_report(results, "results.json");
  ASSERT_TRUE(page);
  EXPECT_THAT(data_of(*page), Not(HasSubstr("token_losses")));
}

TEST(Report, PassesOnWhatIsWrong) {
  const auto page = render_report({{"runs", json::array()}}, "results.json");
  ASSERT_FALSE(page);
  EXPECT_EQ(to_string(page.error()),
            "results.json: the list 'runs' is empty, want at least one run");
}

}  // namespace
}  // namespace bhroute::evaluation
