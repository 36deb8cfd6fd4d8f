#include "rule_procedure.h"

namespace bhroute::routing {

stats::Procedure procedure_of(const PolicySpec& spec) {
  return stats::make_procedure(
             to_string(spec.rule),
             {.alpha = spec.alpha, .lambda = spec.lambda, .kappa = spec.kappa, .beta = spec.beta})
      .value_or(stats::BenjaminiHochberg{spec.alpha});
}

}  // namespace bhroute::routing
