#include <cmath>
#include <limits>
#include <numeric>

#include "bhroute/evaluation/run_result.h"

namespace bhroute::evaluation {
namespace {

constexpr double kUndefined = std::numeric_limits<double>::quiet_NaN();

// Mean over tokens of a function of their number of experts.
template <class Function>
double mean_of(const ExpertCounts& counts, Function function) {
  const auto n = static_cast<double>(counts.num_tokens());
  if (n == 0.0) return kUndefined;
  double sum = 0.0;
  for (std::size_t k = 0; k < counts.histogram.size(); ++k)
    sum += static_cast<double>(counts.histogram[k]) * function(static_cast<double>(k));
  return sum / n;
}

}  // namespace

std::uint64_t ExpertCounts::num_tokens() const {
  return std::accumulate(histogram.begin(), histogram.end(), std::uint64_t{0});
}

double ExpertCounts::mean() const {
  return mean_of(*this, [](double k) { return k; });
}

double ExpertCounts::sd() const {
  const double centre = mean();
  return std::sqrt(mean_of(*this, [centre](double k) { return (k - centre) * (k - centre); }));
}

std::size_t ExpertCounts::min() const {
  std::size_t k = 0;
  while (k < histogram.size() && histogram[k] == 0) ++k;
  return k == histogram.size() ? 0 : k;
}

std::size_t ExpertCounts::max() const {
  std::size_t k = histogram.size();
  while (k > 0 && histogram[k - 1] == 0) --k;
  return k == 0 ? 0 : k - 1;
}

double ExpertCounts::share_at(std::size_t k) const {
  const auto n = num_tokens();
  if (n == 0) return kUndefined;
  return k < histogram.size() ? static_cast<double>(histogram[k]) / static_cast<double>(n) : 0.0;
}

}  // namespace bhroute::evaluation
