#pragma once
// A rule's parameter from a mean count, on collected logits: no model passes.

#include <functional>
#include <memory>

#include "bhroute/calibration/calibration_table.h"
#include "bhroute/routing/policy.h"
#include "tune_rows.h"

namespace bhroute::evaluation {

/// What sets a rule's count: more of it gives more experts (`rising`) or fewer.
struct SolvedParameter {
  const char* key = nullptr;  ///< null: the rule has nothing to solve
  double low = 0.0, high = 1.0;
  bool rising = true;
  bool log_odds = false;  ///< searched on the scale of log(x/(1-x))
};
SolvedParameter solved_parameter(routing::Rule rule);

/// The x in [low, high] whose f(x) is nearest to `target`, f monotone: bisection, 24 steps.
double bisect(double low, double high, bool rising, double target,
              const std::function<double(double)>& f);

struct SolveInput {
  const LogitRows* rows = nullptr;
  std::size_t num_rows = 1024;  ///< a layer
  std::size_t num_threads = 2;
  routing::RouterFacts facts;
  std::shared_ptr<const calibration::CalibrationTable> table;  ///< null where the rule has none
};

/// Mean count of each layer. Errors: the policy's.
Result<std::map<int, double>> mean_counts(const routing::PolicySpec& spec, const SolveInput& input);
double mean_over_layers(const std::map<int, double>& means);

/// `spec` with its parameter solved layer by layer, each layer's mean count to be its target;
/// bounds in spec.layers are kept.
Result<routing::PolicySpec> solve_each_layer(routing::PolicySpec spec, const SolveInput& input,
                                             const std::map<int, double>& targets);
/// One parameter for all layers, the mean over layers to be `target`.
Result<routing::PolicySpec> solve_all_layers(routing::PolicySpec spec, const SolveInput& input,
                                             double target);

}  // namespace bhroute::evaluation
