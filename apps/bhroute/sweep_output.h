#pragma once
// A sweep as a person watches it.

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "bhroute/evaluation/sweep.h"

namespace bhroute::cli {

std::string sweep_header();
/// One finished configuration.
std::string sweep_row(const evaluation::RunResult& run, bool reused);
/// What the sweep says at its end: counts, what was left out, where the results lie, what to do
/// next.
std::string sweep_summary(const evaluation::SweepOutcome& outcome, const std::string& directory);
/// The runs without their layers, which results.json has.
nlohmann::json sweep_json(const evaluation::SweepOutcome& outcome, const std::string& directory);

}  // namespace bhroute::cli
