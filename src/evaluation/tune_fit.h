#pragma once
// Everything that is learnt from the windows kept for the fit, and policies solved from it.

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "expert_benefits.h"
#include "layer_shares.h"
#include "tune_candidates.h"
#include "tune_solver.h"

namespace bhroute::evaluation {

class Fit {
 public:
  Fit(const TuneOptions& options, const ModelDescription& model)
      : options_(options), model_(model) {}

  LogitRows rows;          ///< of the model's own routing
  LayerLosses losses;      ///< of each layer at its counts; empty = not measured
  LayerBenefits benefits;  ///< empty = not measured

  /// The null's table, counted once. Errors: the calibrator's.
  Result<std::shared_ptr<const calibration::CalibrationTable>> table(const NullChoice& null);

  struct Solved {
    routing::PolicySpec policy;
    std::shared_ptr<const calibration::CalibrationTable> table;
    double mean = 0.0;  ///< on the rows it was solved on
  };
  /// The candidate solved for the budget on `its_rows`: the model's own, or those that an earlier
  /// solution met. Errors: the rule has no such solution.
  Result<Solved> solve(const Candidate& candidate, const LogitRows& its_rows);

 private:
  Result<std::map<int, double>> budgets(const Candidate& candidate) const;
  Result<routing::PolicySpec> start(const Candidate& candidate,
                                    const std::map<int, double>& budgets) const;
  Result<routing::PolicySpec> solve_benefit(const routing::PolicySpec& spec,
                                            const SolveInput& input) const;

  const TuneOptions& options_;
  const ModelDescription& model_;
  std::vector<std::pair<NullChoice, std::shared_ptr<const calibration::CalibrationTable>>> tables_;
};

}  // namespace bhroute::evaluation
