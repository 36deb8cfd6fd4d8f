#pragma once
// What must be known before the work is planned: the model, the text's length, the speed.

#include <string>

#include "model_flags.h"
#include "quickstart_plan.h"
#include "quickstart_speed.h"

namespace bhroute::cli {

struct QuickstartProbe {
  evaluation::ModelDescription model;
  QuickstartPlan plan;  ///< as large as the text allows
  TextParts text;
  QuickstartSpeed speed;
};

/// Opens the model and runs a batch of the text. Errors: the flags'; a text too short.
Result<QuickstartProbe> probe(const ModelFlags& flags, const QuickstartPlan& plan);

/// Of every part after the probe. `budget` and the probe's plan decide how much `tune` may run.
double estimated_seconds(const QuickstartProbe& probe, double budget, std::size_t num_runs);

}  // namespace bhroute::cli
