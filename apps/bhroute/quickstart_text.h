#pragma once
// The text's beginning in two parts: one to learn on, one behind it to evaluate on.

#include <string>

#include "model_flags.h"
#include "quickstart_plan.h"

namespace bhroute::cli {

/// As much of the text as `plan` may need, whatever the size of its file. Errors: it cannot be
/// read; it is empty.
Result<std::string> read_beginning(const ModelFlags& flags, const QuickstartPlan& plan);

/// The parts do not overlap, and each has its windows of the plan, counted by the model: tokens are
/// not spread evenly over bytes.
struct TextParts {
  QuickstartPlan plan;  ///< as asked, or less tuned on where that is what the text has
  std::string learning, evaluation;
};
/// `text` has the plan's windows, or nearly. Errors: the engine's.
Result<TextParts> split_text(evaluation::ModelRunner& model, std::string_view text,
                             QuickstartPlan plan, std::size_t window);

}  // namespace bhroute::cli
