#pragma once
// How much `bhroute quickstart` does: windows of the text for each of its parts.

#include <string>

#include "bhroute/evaluation/tune.h"

namespace bhroute::cli {

/// Of a text: with fewer some part would have none.
inline constexpr std::size_t kFewestWindows = 12;

/// Windows: `learning` are calibrated and tuned on (the first `tune.fit` of them fitted to, the
/// others held back); `evaluation` come after them in the text, and nothing before has seen them.
struct QuickstartPlan {
  evaluation::TuneOptions tune;  ///< fit, sensitivity, screen, second, final
  std::size_t evaluation = 0;
  std::size_t learning() const { return tune.fit + tune.final; }
  std::size_t total() const { return learning() + evaluation; }
};

/// quick, usual or thorough.
Result<QuickstartPlan> plan_of_effort(const std::string& effort);
/// The plan on a text of fewer windows, every part smaller in proportion. Errors: fewer than 12.
Result<QuickstartPlan> scaled(const QuickstartPlan& plan, std::size_t num_windows);

/// Three quarters of the model's own top_k, at least 1.
double usual_budget(std::size_t top_k);

}  // namespace bhroute::cli
