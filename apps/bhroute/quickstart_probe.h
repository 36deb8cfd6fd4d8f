#pragma once
// What must be known before the work is planned: the model, the text's length, the speed.

#include <functional>
#include <string>

#include "model_flags.h"
#include "quickstart_speed.h"
#include "quickstart_text.h"

namespace bhroute::cli {

struct QuickstartProbe {
  evaluation::ModelDescription model;
  TextParts text;         ///< with the plan, as large as the text allows
  QuickstartSpeed speed;  ///< 0 seconds where it was not measured
  const QuickstartPlan& plan() const { return text.plan; }
};

/// Opens the model, cuts `text`, the beginning of flags.text, and runs a batch of it unless
/// `is_finished` says that nothing is left to run. Errors: the engine's; a text too short.
Result<QuickstartProbe> probe(const ModelFlags& flags, const QuickstartPlan& plan,
                              const std::string& text,
                              const std::function<bool(const QuickstartProbe&)>& is_finished);

/// Of every part after the probe. `budget` and the probe's plan decide how much `tune` may run.
double estimated_seconds(const QuickstartProbe& probe, double budget, std::size_t num_runs);

}  // namespace bhroute::cli
