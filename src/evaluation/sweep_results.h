#pragma once
// results.json and results.csv of a sweep.

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "bhroute/evaluation/sweep.h"

namespace bhroute::evaluation {

/// `record` (what the sweep was made from) with the runs and notes; one run a line, so that two
/// files compare.
std::string format_results(const nlohmann::json& record, const SweepOutcome& outcome);

/// The same numbers, digit for digit: one line a run, columns named as the JSON's keys, RFC 4180.
std::string format_csv(const SweepOutcome& outcome);

}  // namespace bhroute::evaluation
