#include "verdict_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

namespace bhroute::evaluation {
namespace {

constexpr std::size_t kReferenceMaxK = 16;  // the original system's choice for its comparisons

std::size_t reference_max_k(const std::vector<const ReportRun*>& runs) {
  std::set<std::size_t> found;
  for (const ReportRun* run : runs)
    if (run->max_k) found.insert(*run->max_k);
  if (found.empty() || found.contains(kReferenceMaxK)) return kReferenceMaxK;
  return *std::next(found.begin(), static_cast<std::ptrdiff_t>(found.size() / 2));
}

}  // namespace

std::string nats(double loss) { return fmt::format("{:.3f} nats", loss); }

std::string plus_minus(double value, std::optional<double> se) {
  const std::string number = fmt::format("{}{:.3f}", value < 0 ? "−" : "", std::abs(value));
  return se ? fmt::format("{} ± {:.3f}", number, *se) : number;
}

std::string bracketed(const ReportInterval& interval, int digits) {
  const auto signed_number = [digits](double value) {
    return fmt::format("{}{:.{}f}", value < 0 ? "−" : "", std::abs(value), digits);
  };
  return fmt::format("[{}, {}]", signed_number(interval.low), signed_number(interval.high));
}

std::string with_noise(const LossGap& gap) {
  if (!gap.interval) return plus_minus(gap.nats, gap.se_bound);
  return plus_minus(gap.nats, std::nullopt) + " " + bracketed(*gap.interval);
}

std::string percent(double share) { return fmt::format("{:.1f} %", 100.0 * share); }

std::string experts(double mean) { return fmt::format("{:.2f} experts", mean); }

std::string count(std::size_t number, std::string_view noun) {
  return fmt::format("{} {}{}", number, noun, number == 1 ? "" : "s");
}

std::string decimal(double value) { return fmt::format("{:.4g}", value); }

std::string list(const std::vector<std::string>& items) {
  if (items.size() < 2) return items.empty() ? "" : items.front();
  const std::vector<std::string> head(items.begin(), items.end() - 1);
  return fmt::format("{} and {}", fmt::join(head, ", "), items.back());
}

const ReportRun* lowest_loss(const std::vector<const ReportRun*>& runs) {
  const auto lowest = std::ranges::min_element(runs, {}, &ReportRun::loss);
  return lowest == runs.end() ? nullptr : *lowest;
}

std::vector<const ReportRun*> at_reference_max_k(std::vector<const ReportRun*> runs) {
  const std::size_t max_k = reference_max_k(runs);
  std::erase_if(runs, [&](const ReportRun* run) { return run->max_k != max_k || !run->alpha; });
  std::ranges::sort(runs, {}, [](const ReportRun* run) { return *run->alpha; });
  return runs;
}

}  // namespace bhroute::evaluation
