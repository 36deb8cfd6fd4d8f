#include "quickstart_plan.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace bhroute::cli {
namespace {

QuickstartPlan make_plan(std::size_t fit, std::size_t sensitivity, std::size_t screen,
                         std::size_t second, std::size_t final, std::size_t evaluation) {
  QuickstartPlan plan;
  plan.tune.fit = fit;
  plan.tune.sensitivity = sensitivity;
  plan.tune.screen = screen;
  plan.tune.second = second;
  plan.tune.final = final;
  plan.evaluation = evaluation;
  return plan;
}

}  // namespace

Result<QuickstartPlan> plan_of_effort(const std::string& effort) {
  static const std::map<std::string, QuickstartPlan> plans{
      {"quick", make_plan(8, 3, 3, 6, 12, 8)},
      {"usual", make_plan(16, 6, 4, 12, 24, 16)},
      {"thorough", make_plan(32, 12, 8, 24, 64, 32)}};
  const auto plan = plans.find(effort);
  if (plan == plans.end())
    return invalid_input("--effort", "unknown effort", effort, "quick, usual or thorough");
  return plan->second;
}

Result<QuickstartPlan> scaled(const QuickstartPlan& plan, std::size_t num_windows) {
  if (num_windows >= plan.total()) return plan;
  if (num_windows < kFewestWindows)
    return invalid_input(
        "--file", "the text is too short", std::to_string(num_windows) + " windows",
        std::to_string(kFewestWindows) + " or more: a longer text, or shorter windows (-c)");
  const auto part = [&](std::size_t of, std::size_t least) {
    return std::max(least, of * num_windows / plan.total());
  };
  const std::size_t fit = part(plan.tune.fit, 4), evaluation = part(plan.evaluation, 2);
  // What the others' least takes is the final round's loss: the sum stays within the text.
  const std::size_t final = std::min(part(plan.tune.final, 3), num_windows - fit - evaluation);
  return make_plan(fit, part(plan.tune.sensitivity, 1), part(plan.tune.screen, 1),
                   part(plan.tune.second, 2), final, evaluation);
}

double usual_budget(std::size_t top_k) {
  return std::max(1.0, std::floor(1.5 * static_cast<double>(top_k)) / 2.0);
}

}  // namespace bhroute::cli
