// Paragraphs on time and on what the results cannot say.
#include <fmt/format.h>

#include <algorithm>

#include "verdict_paragraphs.h"
#include "verdict_words.h"

namespace bhroute::evaluation {
namespace {

std::string speed_lead(double flops, double speed) {
  if (flops >= 1.0) return "The best grid point saves no arithmetic.";
  if (speed > 1.02) return "Less arithmetic, and faster.";
  return "Less arithmetic, but not faster.";
}

bool lacks_static(const ReportSweep& sweep) {
  return sweep.marked("static").size() + (sweep.baseline() == nullptr ? 0 : 1) < 2;
}

void add_if(std::vector<std::string>& items, bool missing, const char* what) {
  if (missing) items.emplace_back(what);
}

}  // namespace

std::string speed_paragraph(const ReportSweep& sweep) {
  const ReportRun* own = sweep.baseline();
  const ReportRun* best = lowest_loss(sweep.grid());
  if (own == nullptr || best == nullptr || !best->relative_flops) return "";
  if (!own->tokens_per_second || !best->tokens_per_second || *own->tokens_per_second <= 0)
    return "";
  const double speed = *best->tokens_per_second / *own->tokens_per_second;
  return fmt::format(
      "{} The best grid point, {}, needs {} of the arithmetic that the model's own routing spends "
      "on "
      "experts and router, slots of weight 0 not counted (an engine may compute them all the "
      "same); "
      "it ran at {:.0f} tokens a second, the model's own routing at {:.0f} ({:.2f} times).",
      speed_lead(*best->relative_flops, speed), best->name, percent(*best->relative_flops),
      *best->tokens_per_second, *own->tokens_per_second, speed);
}

std::string missing_paragraph(const ReportSweep& sweep) {
  std::vector<std::string> items;
  add_if(items, sweep.grid().empty(), "no grid points, so there is nothing to judge");
  add_if(items, sweep.baseline() == nullptr, "no run of the model's own routing");
  add_if(items, lacks_static(sweep),
         "fewer than two static points, so nothing says what a fixed number of experts "
         "would do at equal cost");
  add_if(items, sweep.marked("renormalized").empty(), "no run marked “renormalized”");
  add_if(items, sweep.marked("unselected").empty(), "no run marked “unselected”");
  const auto no_floor = [](const ReportRun* run) { return !run->floor_share; };
  add_if(items, !sweep.grid().empty() && std::ranges::all_of(sweep.grid(), no_floor),
         "no shares at the floor");
  if (items.empty()) return "";
  return fmt::format("Parts are missing. These results hold {}.", list(items));
}

}  // namespace bhroute::evaluation
