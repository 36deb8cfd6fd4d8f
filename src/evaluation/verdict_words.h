#pragma once
// Numbers as words of the verdict: one spelling everywhere.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "report_runs.h"
#include "verdict_static_curve.h"

namespace bhroute::evaluation {

std::string nats(double loss);                                   ///< "4.108 nats"
std::string plus_minus(double value, std::optional<double> se);  ///< "0.152 ± 0.012", or without se
/// "0.152 ± 0.012", or "0.152 [0.120, 0.184]" where there is an interval.
std::string with_noise(const LossGap& gap);
/// "[0.120, 0.184]" to as many digits as `digits`.
std::string bracketed(const ReportInterval& interval, int digits = 3);
std::string percent(double share);                             ///< "95.2 %"
std::string experts(double mean);                              ///< "3.65 experts"
std::string count(std::size_t number, std::string_view noun);  ///< "1 point", "2 points"
std::string decimal(double value);                             ///< alpha and the like: "0.05"
/// "a", "a and b", "a, b and c".
std::string list(const std::vector<std::string>& items);

const ReportRun* lowest_loss(const std::vector<const ReportRun*>& runs);
/// The runs of one max_k by alpha: that of 16, or else the middle one of those there are.
std::vector<const ReportRun*> at_reference_max_k(std::vector<const ReportRun*> runs);

}  // namespace bhroute::evaluation
