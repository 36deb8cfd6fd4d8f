#pragma once

#include <vector>

#include "bhroute/calibration/calibration_table.h"
#include "bhroute/core/logits_view.h"

namespace bhroute::routing {

/// A batch's values of the statistic, [num_tokens, num_experts]: the one array both paths read.
/// `out` keeps its memory.
void batch_statistic(calibration::Statistic statistic, LogitsView logits, std::vector<float>& out);

struct BatchPValues {
  std::vector<double> values;  ///< [num_tokens, num_experts]; NaN where the logit is
  bool table_available =
      false;  ///< false: ranks among the batch's own rows (the empirical fallback)
};

/// The reference's p-values of one layer's logits. `table` may be null.
BatchPValues batch_p_values(LogitsView logits, int layer,
                            const calibration::CalibrationTable* table, bool clamp);

}  // namespace bhroute::routing
