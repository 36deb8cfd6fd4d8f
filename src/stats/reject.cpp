#include "bhroute/stats/reject.h"

#include <algorithm>
#include <iterator>
#include <vector>

#include "bhroute/core/compare_doubles.h"
#include "critical_value.h"

namespace bhroute::stats {
namespace {

using PValues = std::span<const double>;
using Mask = std::span<std::uint8_t>;
/// Beyond so many passes over the p-values a sort is cheaper. Usual vectors need three to six.
constexpr std::size_t kMostPasses = 24;
/// The one after these copies what it leaves, so that the many of a long descent have less to read.
constexpr std::size_t kWholePasses = 3;

/// Of the ranks up to `most`, by the sorted p-values: only those <= c_most matter.
template <class Critical>
std::size_t count_by_sorting(PValues p, Direction direction, std::size_t most, Critical critical) {
  thread_local std::vector<double> kept;
  kept.clear();
  const double loosest = critical(most);
  std::copy_if(p.begin(), p.end(), std::back_inserter(kept),
               [&](double x) { return x <= loosest; });
  std::sort(kept.begin(), kept.end());
  const auto passes = [&](std::size_t k) { return kept[k - 1] <= critical(k); };
  std::size_t k = direction == Direction::up ? kept.size() : 0;
  if (direction == Direction::up)
    while (k > 0 && !passes(k)) --k;
  else
    while (k < kept.size() && passes(k + 1)) ++k;
  return k;
}

/// p_(k) <= c_k exactly when k of the p are <= c_k. If only m < k are, then no rank from k down to
/// m + 1 passes, for their critical values are smaller still: so m is the next to ask, of the m.
template <class Critical>
std::size_t count_up(PValues p, Critical critical) {
  thread_local std::vector<double> kept;
  std::size_t k = p.size();
  for (std::size_t pass = 0; pass < kMostPasses && k > 0; ++pass) {
    const double bound = critical(k);
    if (pass == kWholePasses) {
      kept.resize(std::max(kept.size(), p.size()));
      p = PValues(kept).first(keep_at_most(p, bound, kept.data()));
    }
    const std::size_t reached = pass == kWholePasses ? p.size() : count_at_most(p, bound);
    if (reached == k) return k;
    k = reached;
  }
  return k == 0 ? 0 : count_by_sorting(p, Direction::up, k, critical);
}

/// If m > k are <= c_(k+1), the ranks up to m pass, for their critical values are larger still.
template <class Critical>
std::size_t count_down(PValues p, Critical critical) {
  std::size_t k = 0;
  for (std::size_t pass = 0; pass < kMostPasses; ++pass) {
    const std::size_t reached = count_at_most(p, critical(k + 1));
    if (reached == k || reached == p.size()) return reached;
    k = reached;
  }
  return count_by_sorting(p, Direction::down, p.size(), critical);
}

template <class Critical>
std::size_t mark_first(PValues p, Mask mask, std::size_t k, Critical critical) {
  if (k > 0) return mark_at_most(p, critical(k), mask.data());
  std::fill(mask.begin(), mask.end(), std::uint8_t{0});
  return 0;
}

template <class Critical>
std::size_t reject_up(PValues p, Mask mask, Critical critical) {
  return mark_first(p, mask, count_up(p, critical), critical);
}

template <class Fixed>
std::size_t reject_one(const Fixed& procedure, PValues p, Mask mask) {
  return reject_up(p, mask, critical_value(procedure, p.size()));
}

std::size_t reject_one(const Holm& procedure, PValues p, Mask mask) {
  const auto critical = critical_value(procedure, p.size());
  return mark_first(p, mask, count_down(p, critical), critical);
}

std::size_t reject_one(const Bonferroni& procedure, PValues p, Mask mask) {
  return mark_at_most(p, critical_value(procedure, p.size())(1), mask.data());
}

std::size_t reject_one(const FixedLevel& procedure, PValues p, Mask mask) {
  return mark_at_most(p, procedure.alpha, mask.data());
}

std::size_t reject_one(const Storey& procedure, PValues p, Mask mask) {
  const double share = share_of_true(procedure, p);
  return reject_up(p, mask, critical_value(procedure, p.size(), share));
}

std::size_t reject_one(const TwoStage& procedure, PValues p, Mask mask) {
  const auto first = critical_value(first_stage(procedure), p.size());
  const std::size_t rejected = count_up(p, first);
  if (rejected == 0 || rejected == p.size()) return mark_first(p, mask, rejected, first);
  return reject_one(second_stage(procedure, p.size(), rejected), p, mask);
}

std::size_t reject_one(const HigherCriticism& procedure, PValues p, Mask mask) {
  const TestResult result = run(procedure, p);
  std::copy(result.mask.begin(), result.mask.end(), mask.begin());
  return result.num_rejections;
}

}  // namespace

std::size_t reject(const Procedure& procedure, std::span<const double> p_values,
                   std::span<std::uint8_t> mask) {
  if (p_values.empty()) return 0;
  return std::visit([&](const auto& one) { return reject_one(one, p_values, mask); }, procedure);
}

}  // namespace bhroute::stats
