#include "bhroute/stats/higher_criticism.h"

#include <algorithm>
#include <cmath>

#include "ranking.h"

namespace bhroute::stats {
namespace {

double hc_score(std::size_t rank, std::size_t n, double p) {
  const double excess = rank_share(rank, n) - p;
  if (excess == 0.0) return 0.0;
  return std::sqrt(static_cast<double>(n)) * excess / std::sqrt(p * (1.0 - p));
}

/// How many ranks from the first are searched.
std::size_t reach(const HigherCriticism& procedure, std::size_t n) {
  if (procedure.search != HcSearch::first_share) return n;
  const double share = procedure.beta * static_cast<double>(n);
  return std::clamp<std::size_t>(static_cast<std::size_t>(share), std::min<std::size_t>(1, n), n);
}

}  // namespace

std::vector<double> hc_scores(std::span<const double> sorted_p) {
  std::vector<double> scores;
  for (std::size_t i = 1; i <= sorted_p.size(); ++i)
    scores.push_back(hc_score(i, sorted_p.size(), sorted_p[i - 1]));
  return scores;
}

TestResult run(const HigherCriticism& procedure, std::span<const double> p_values) {
  TestResult result = ranked(p_values);
  const std::vector<double> sorted = sorted_p_values(result);
  result.scores = hc_scores(sorted);
  const std::size_t n = sorted.size();
  std::size_t best = 0;
  for (std::size_t i = 1; i <= reach(procedure, n); ++i) {
    const double p = sorted[i - 1];
    const bool searched = procedure.search != HcSearch::below_uniform || p < rank_share(i, n);
    if (std::isnan(p) || !searched) continue;
    if (best == 0 || result.scores[i - 1] >= result.scores[best - 1]) best = i;
  }
  reject_first(result, best);
  return result;
}

}  // namespace bhroute::stats
