#include "report_assets.h"

#include <cstddef>

extern "C" {
extern const char bhroute_report_page[], bhroute_report_page_end[];
extern const char bhroute_report_style[], bhroute_report_style_end[];
extern const char bhroute_report_scripts[], bhroute_report_scripts_end[];
extern const char bhroute_report_plotly[], bhroute_report_plotly_end[];
}

namespace bhroute::evaluation {
namespace {

std::string_view between(const char* begin, const char* end) {
  return {begin, static_cast<std::size_t>(end - begin)};
}

}  // namespace

ReportAssets report_assets() {
  return {between(bhroute_report_page, bhroute_report_page_end),
          between(bhroute_report_style, bhroute_report_style_end),
          between(bhroute_report_scripts, bhroute_report_scripts_end),
          between(bhroute_report_plotly, bhroute_report_plotly_end)};
}

}  // namespace bhroute::evaluation
