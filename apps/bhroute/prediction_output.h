#pragma once
// Predictions as a person and as a program reads them.

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "bhroute/evaluation/predict.h"

namespace bhroute::cli {

/// A line a configuration, then what cannot be told apart, then what could not be predicted.
std::string readable(const evaluation::PredictedList& list);
/// A line a layer; with `measured` (may be null) its mean beside the predicted one, and the drift.
std::string readable(const evaluation::PredictedRun& run, const evaluation::RunResult* measured);

nlohmann::json to_json(const evaluation::PredictedList& list);
nlohmann::json to_json(const evaluation::PredictedRun& run, const evaluation::RunResult* measured);

}  // namespace bhroute::cli
