#include "../../src/evaluation/report_assets.h"

#include <gmock/gmock.h>

#include <filesystem>

#include "bhroute/core/file.h"
#include "bhroute/core/file_limits.h"

namespace bhroute::evaluation {
namespace {

using testing::HasSubstr;
using testing::Not;

const std::filesystem::path kFolder =
    std::filesystem::path(BHROUTE_SOURCE_DIR) / "src" / "evaluation" / "report";

TEST(ReportAssets, AreTheFiles) {
  EXPECT_EQ(report_assets().page, *read_file(kFolder / "page.html", kMaxTextBytes));
  EXPECT_EQ(report_assets().style, *read_file(kFolder / "style.css", kMaxTextBytes));
  EXPECT_THAT(std::string(report_assets().plotly.substr(0, 200)), HasSubstr("plotly.js"));
}

TEST(ReportAssets, HoldEveryScript) {
  const std::string scripts(report_assets().scripts);
  for (const auto& entry : std::filesystem::recursive_directory_iterator(kFolder))
    if (entry.path().extension() == ".js") {
      EXPECT_THAT(scripts, HasSubstr(*read_file(entry.path(), kMaxTextBytes))) << entry.path();
    }
}

// Inside a script element this text would end it, and the rest would be read as markup.
TEST(ReportAssets, NoScriptEndsItsElement) {
  EXPECT_EQ(report_assets().scripts.find("</script"), std::string_view::npos);
  EXPECT_EQ(report_assets().plotly.find("</script"), std::string_view::npos);
}

TEST(ReportAssets, LoadNothing) {
  for (const std::string_view part :
       {report_assets().page, report_assets().style, report_assets().scripts}) {
    EXPECT_THAT(std::string(part), Not(HasSubstr("http://")));
    EXPECT_THAT(std::string(part), Not(HasSubstr("https://")));
    EXPECT_THAT(std::string(part), Not(HasSubstr("url(")));
  }
}

TEST(ReportAssets, NoTextBecomesMarkup) {
  for (const char* way : {"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write"})
    EXPECT_THAT(std::string(report_assets().scripts), Not(HasSubstr(way)));
}

}  // namespace
}  // namespace bhroute::evaluation
