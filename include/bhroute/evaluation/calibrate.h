#pragma once
// Real text through a model -> a calibration table.

#include "bhroute/calibration/calibrator.h"
#include "bhroute/core/progress.h"
#include "bhroute/evaluation/model_runner.h"
#include "bhroute/evaluation/scoring.h"

namespace bhroute::evaluation {

/// Runs the text by the model's own routing and counts every layer's router logits. Several option sets share one
/// pass (e.g. the nulls `all` and `unselected`); results in their order.
/// `label`: the work's name in the progress. Errors: those of the runner and of Calibrator.
Result<std::vector<calibration::CalibrationTable>> calibrate(
    ModelRunner& model, const WindowedText& text, const std::vector<calibration::CalibrationOptions>& options,
    const calibration::TableMetadata& metadata, ProgressSink& progress,
    std::string_view label = "calibrate");

}  // namespace bhroute::evaluation
