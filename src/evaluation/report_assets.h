#pragma once
// The files of src/evaluation/report/ and the plotting library, as embedded at build time
// (cmake/report_assets.cmake).

#include <string_view>

namespace bhroute::evaluation {

struct ReportAssets {
  std::string_view page;     ///< page.html with @@NAME@@ where the parts go
  std::string_view style;    ///< style.css
  std::string_view scripts;  ///< every script, the figures last
  std::string_view plotly;   ///< plotly.min.js
};

/// Views of static storage.
ReportAssets report_assets();

}  // namespace bhroute::evaluation
