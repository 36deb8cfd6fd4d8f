#pragma once
// The paragraphs of the verdict. Each begins with a sentence that says its finding; each is empty
// where the numbers it needs are missing (missing_paragraph then says so).

#include <span>
#include <string>

#include "report_runs.h"
#include "verdict_static_curve.h"

namespace bhroute::evaluation {

/// The headline: the best of all policies, grid or not, tuned or not, against a fixed number of
/// experts at the same mean.
std::string best_paragraph(const ReportSweep& sweep);
/// Benjamini-Hochberg's grid against a fixed number of experts at the same mean.
std::string equal_cost_paragraph(const ReportSweep& sweep, const StaticCurve& curve);
/// The grid against the model's own routing.
std::string baseline_paragraph(const ReportSweep& sweep);
/// How often min_k decides, and why.
std::string floor_paragraph(const ReportSweep& sweep);
/// What weights that sum to 1 change, at the same experts.
std::string renormalized_paragraph(const ReportSweep& sweep);
/// What the null of the unselected experts' logits changes.
std::string unselected_paragraph(const ReportSweep& sweep, const StaticCurve& curve);
/// From the original's choice of null and weights to what repairs it, in perplexities.
std::string story_paragraph(const ReportSweep& sweep);
/// Every rule but the grid against a fixed number of experts at the same mean: wins, ties, losses.
std::string rules_paragraph(const ReportSweep& sweep);
/// Policies tuned for a budget, each against the fixed count.
std::string tuned_paragraph(const ReportSweep& sweep);
/// The cheapest policy of any of the sweeps that is not worse than the first one's own routing.
std::string models_paragraph(std::span<const ReportSweep> sweeps);
/// Arithmetic saved and time saved.
std::string speed_paragraph(const ReportSweep& sweep);
/// What the results lack, so that the verdict cannot say it.
std::string missing_paragraph(const ReportSweep& sweep);

}  // namespace bhroute::evaluation
