#include "bhroute/stats/reject.h"

#include <algorithm>
#include <type_traits>
#include <vector>

#include "ranking.h"

namespace bhroute::stats {
namespace {

/// A thread's critical values and, by rank, how many p-values meet that one first.
struct Buffers {
  std::vector<double> critical;
  std::vector<std::uint32_t> first_met;
};

Buffers& buffers() {
  thread_local Buffers mine;
  return mine;
}

std::size_t mark(std::span<const double> p, double bound, std::span<std::uint8_t> mask) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < p.size(); ++i) {
    const std::uint8_t rejected = p[i] <= bound ? 1 : 0;
    mask[i] = rejected;
    count += rejected;
  }
  return count;
}

std::size_t mark_none(std::span<std::uint8_t> mask) {
  std::fill(mask.begin(), mask.end(), std::uint8_t{0});
  return 0;
}

std::size_t count_from(const Buffers& b, std::size_t n, Direction direction) {
  std::size_t passed = 0, reached = 0;
  for (std::size_t k = 1; k <= n; ++k) {
    reached += b.first_met[k - 1];
    if (reached >= k)
      passed = k;
    else if (direction == Direction::down)
      break;
  }
  return passed;
}

/// How many pass: p_(k) <= c_k exactly when k of the p are <= c_k, so counting replaces sorting.
/// `guess(p)` is about the first rank that p meets; comparisons with c make it exact.
template <class Guess>
std::size_t count_passing_unsorted(std::span<const double> p, Direction direction, Guess guess) {
  Buffers& b = buffers();
  const std::size_t n = p.size();
  const double* c = b.critical.data();
  b.first_met.assign(n, 0);
  const double loosest = c[n - 1];
  for (double value : p) {
    if (!(value <= loosest)) continue;
    const double near = guess(value);  // NaN only for a level of denormal size
    auto k = near > 0.0 ? static_cast<std::size_t>(std::min(near, static_cast<double>(n - 1))) : 0;
    while (k > 0 && value <= c[k - 1]) --k;
    while (!(value <= c[k])) ++k;
    ++b.first_met[k];
  }
  return count_from(b, n, direction);
}

template <class Guess>
std::size_t reject_by(std::span<const double> p, std::span<std::uint8_t> mask, Direction direction,
                      Guess guess) {
  const std::size_t passed = count_passing_unsorted(p, direction, guess);
  return passed == 0 ? mark_none(mask) : mark(p, buffers().critical[passed - 1], mask);
}

/// Step-up with c_k = rank_share(k)*alpha, as bh_critical_values.
void fill_bh(std::size_t n, double alpha) {
  std::vector<double>& c = buffers().critical;
  c.resize(n);
  const auto size = static_cast<double>(n);
  for (std::size_t k = 0; k < n; ++k) c[k] = static_cast<double>(k + 1) / size * alpha;
}

std::size_t reject_linear(std::span<const double> p, std::span<std::uint8_t> mask) {
  const double per_unit = static_cast<double>(p.size()) / buffers().critical.back();
  return reject_by(p, mask, Direction::up, [=](double value) { return value * per_unit - 0.5; });
}

std::size_t reject_one(const BenjaminiHochberg& procedure, std::span<const double> p,
                       std::span<std::uint8_t> mask) {
  fill_bh(p.size(), procedure.alpha);
  return reject_linear(p, mask);
}

std::size_t reject_one(const TwoStage& procedure, std::span<const double> p,
                       std::span<std::uint8_t> mask) {
  const double first_alpha = procedure.alpha / (1.0 + procedure.alpha);
  const std::size_t first = reject_one(BenjaminiHochberg{first_alpha}, p, mask);
  if (first == 0 || first == p.size()) return first;
  const auto n = static_cast<double>(p.size());
  return reject_one(BenjaminiHochberg{first_alpha * n / static_cast<double>(p.size() - first)}, p,
                    mask);
}

std::size_t reject_one(const Bonferroni& procedure, std::span<const double> p,
                       std::span<std::uint8_t> mask) {
  return mark(p, procedure.alpha / static_cast<double>(p.size()), mask);
}

std::size_t reject_one(const FixedLevel& procedure, std::span<const double> p,
                       std::span<std::uint8_t> mask) {
  return mark(p, procedure.alpha, mask);
}

/// Holm's and Hochberg's critical values rise as 1/(N - k + 1).
std::size_t reject_by_remaining(double alpha, Direction direction, std::span<const double> p,
                                std::span<std::uint8_t> mask) {
  std::vector<double>& c = buffers().critical;
  c.resize(p.size());
  const auto n = static_cast<double>(p.size());
  for (std::size_t k = 0; k < p.size(); ++k) c[k] = alpha / static_cast<double>(p.size() - k);
  return reject_by(p, mask, direction, [=](double value) { return n - alpha / value; });
}

std::size_t reject_one(const Holm& procedure, std::span<const double> p,
                       std::span<std::uint8_t> mask) {
  return reject_by_remaining(procedure.alpha, Direction::down, p, mask);
}

std::size_t reject_one(const Hochberg& procedure, std::span<const double> p,
                       std::span<std::uint8_t> mask) {
  return reject_by_remaining(procedure.alpha, Direction::up, p, mask);
}

/// The others: critical values of their own, or a sort.
template <class Other>
std::size_t reject_one(const Other& procedure, std::span<const double> p,
                       std::span<std::uint8_t> mask) {
  if constexpr (std::is_same_v<Other, BenjaminiYekutieli>) {
    buffers().critical = step_test(procedure, p.size()).critical_values;
    return reject_linear(p, mask);
  } else {
    const TestResult result = run(procedure, p);
    std::copy(result.mask.begin(), result.mask.end(), mask.begin());
    return result.num_rejections;
  }
}

}  // namespace

std::size_t reject(const Procedure& procedure, std::span<const double> p_values,
                   std::span<std::uint8_t> mask) {
  if (p_values.empty()) return 0;
  return std::visit([&](const auto& one) { return reject_one(one, p_values, mask); }, procedure);
}

}  // namespace bhroute::stats
