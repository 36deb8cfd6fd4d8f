#include "bhroute/routing/alpha_note.h"

#include <fmt/format.h>

namespace bhroute::routing {

std::string alpha_note(const PolicySpec& policy) {
  if (!uses_p_values(policy.rule) || to_string(policy.rule).starts_with("hc")) return "";
  return fmt::format(
      "alpha is a dial, no bound on false selections: min_k = {} selects experts whatever their "
      "p-values are",
      policy.min_k);
}

}  // namespace bhroute::routing
