// The verdict: each paragraph is made by one function, from the numbers alone, and is left out
// where they are missing.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "bhroute/evaluation/report.h"
#include "verdict_paragraphs.h"

namespace bhroute::evaluation {

Result<std::vector<std::string>> verdict(const nlohmann::json& results, std::string_view where,
                                         std::span<const nlohmann::json> others) {
  std::vector<ReportSweep> sweeps;
  auto first = read_report_sweep(results, where);
  if (!first) return tl::make_unexpected(first.error());
  sweeps.push_back(std::move(*first));
  for (const nlohmann::json& other : others) {
    auto read = read_report_sweep(other, "a further model's results");
    if (!read) return tl::make_unexpected(read.error());
    sweeps.push_back(std::move(*read));
  }
  const ReportSweep& sweep = sweeps.front();
  const StaticCurve curve(sweep);
  std::vector<std::string> paragraphs;
  for (std::string paragraph :
       {best_paragraph(sweep), equal_cost_paragraph(sweep, curve), story_paragraph(sweep), models_paragraph(sweeps),
        tuned_paragraph(sweep), rules_paragraph(sweep), baseline_paragraph(sweep),
        floor_paragraph(sweep), renormalized_paragraph(sweep), unselected_paragraph(sweep, curve),
        speed_paragraph(sweep), missing_paragraph(sweep)})
    if (!paragraph.empty()) paragraphs.push_back(std::move(paragraph));
  return paragraphs;
}

}  // namespace bhroute::evaluation
