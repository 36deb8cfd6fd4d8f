#pragma once
// Every multiple-testing procedure behind one interface: p-values in, rejections out. No model, no expert.
//
//   const auto method = stats::make_procedure("by", {.alpha = 0.1});
//   const stats::TestResult result = stats::run(*method, p_values);     // mask, adjusted p-values, ...

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "bhroute/core/error.h"
#include "bhroute/stats/adaptive_step_up.h"
#include "bhroute/stats/benjamini_hochberg.h"
#include "bhroute/stats/dependence_robust.h"
#include "bhroute/stats/family_wise.h"
#include "bhroute/stats/higher_criticism.h"

namespace bhroute::stats {

using Procedure = std::variant<BenjaminiHochberg, BenjaminiYekutieli, Storey, TwoStage, Bonferroni, Holm, Hochberg,
                               FixedLevel, EBenjaminiHochberg, HigherCriticism>;

struct ProcedureParameters {
  double alpha = 0.05;   ///< all but hc...: 0 < alpha < 1
  double lambda = 0.5;   ///< storey
  double kappa = 0.5;    ///< e_bh
  double beta = 0.5;     ///< hc_star
};

/// bh, by, storey, bky, bonferroni, holm, hochberg, fixed, e_bh, hc, hc_plus, hc_star.
const std::vector<std::string>& procedure_names();
/// Errors: an unknown name ("did you mean"), a parameter out of its bounds.
Result<Procedure> make_procedure(std::string_view name, const ProcedureParameters& parameters);

/// The whole procedure with every intermediate value.
TestResult run(const Procedure& procedure, std::span<const double> p_values);
/// The critical values where they do not depend on the p-values; nothing for storey, bky and hc...
std::optional<StepTest> step_test(const Procedure& procedure, std::size_t num_hypotheses);

}  // namespace bhroute::stats
