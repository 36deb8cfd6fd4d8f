#include "fast_count.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "plain_softmax.h"
#include "rank_signal.h"

namespace bhroute::routing {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
// Wider than what the kernels' sums may be off by, so that a decision outside is the reference's.
constexpr double kDoubt = 1e-5;
constexpr double kEntropyDoubt = 1e-4;

bool passes(const PolicySpec& spec, double share) noexcept {
  if (spec.rule == Rule::ser) return share > spec.t;
  return share >= (spec.rule == Rule::min_p ? spec.m : spec.beta);
}

bool compares_with_largest(Rule rule) noexcept {
  return rule == Rule::ser || rule == Rule::min_p || rule == Rule::skip_ratio;
}

std::size_t count_near_largest(std::span<const float> largest, double critical) noexcept {
  const double top = largest.front();
  std::size_t count = 0;
  for (float r : largest) {
    const double difference = std::isinf(top) ? (r == top ? 0.0 : -kInfinity) : r - top;
    if (!(difference >= critical)) break;
    ++count;
  }
  return count;
}

using Count = std::optional<std::size_t>;

Count count_at_level(std::span<const float> largest, double level) noexcept {
  std::size_t count = 0;
  for (float r : largest) {
    const double share = relative_exp(r, largest.front(), 1.0);
    if (level > 0.0 && std::fabs(share - level) <= kDoubt * level) return std::nullopt;
    if (!(share >= level)) break;
    ++count;
  }
  return count;
}

Count count_with_mass(std::span<const float> largest, double mass) noexcept {
  double reached = 0.0;
  for (std::size_t k = 0; k < largest.size(); ++k) {
    reached += relative_exp(largest[k], largest.front(), 1.0);
    if (std::fabs(reached - mass) <= kDoubt * mass) return std::nullopt;
    if (reached >= mass) return k + 1;
  }
  return largest.size();
}

Count count_of_bin(const PolicySpec& spec, double entropy) noexcept {
  for (double edge : spec.edges)
    if (std::fabs(entropy - edge) <= kEntropyDoubt) return std::nullopt;
  const auto bin = std::upper_bound(spec.edges.begin(), spec.edges.end(), entropy);
  return spec.counts[static_cast<std::size_t>(bin - spec.edges.begin())];
}

Count count_of_signal(const PolicySpec& spec, std::span<const float> largest, double sum) noexcept {
  const double top = largest.front();
  const float ranked = largest[std::min(spec.rank, largest.size()) - 1];
  if (std::isinf(top) || std::isinf(ranked)) return std::nullopt;
  const double log_prob = ranked - top - std::log(sum);
  const double up = spec.dither ? own_dither(largest.front(), ranked) : 0.5;
  const double k = spec.k0 + spec.gain * ((log_prob - spec.mean) / spec.sd) + up;
  const double doubt = kDoubt * (1.0 + std::fabs(spec.gain / spec.sd) + std::fabs(k));
  if (!(std::fabs(k - std::round(k)) > doubt)) return std::nullopt;
  return static_cast<std::size_t>(
      std::clamp(std::floor(k), static_cast<double>(spec.min_k), static_cast<double>(spec.max_k)));
}

}  // namespace

// Bisection over the doubles of [-800, 0], ordered as their bits are; exp(-800) is 0.
double critical_difference(const PolicySpec& spec) noexcept {
  if (!passes(spec, 1.0)) return kInfinity;
  if (passes(spec, 0.0)) return -kInfinity;
  double fails = -800.0, holds = 0.0;
  while (true) {
    const double middle = fails + (holds - fails) / 2.0;
    if (middle == fails || middle == holds) return holds;
    (passes(spec, std::exp(middle)) ? holds : fails) = middle;
  }
}

FastCount::FastCount(const PolicySpec& spec)
    : spec_(spec),
      critical_difference_(compares_with_largest(spec.rule) ? critical_difference(spec) : 0.0) {}

std::size_t FastCount::depth() const noexcept {
  const std::size_t most = spec_.bounds().max_k;
  return spec_.rule == Rule::rank_signal ? std::max(most, spec_.rank) : most;
}

bool FastCount::needs_softmax() const noexcept {
  return !compares_with_largest(spec_.rule) && spec_.rule != Rule::critical;
}

Count FastCount::before_bounds(std::span<const float> largest,
                               const kernels::SoftmaxFacts& facts) const noexcept {
  switch (spec_.rule) {
    case Rule::prob_threshold:
      return count_at_level(largest, spec_.level * facts.sum);
    case Rule::top_p:
      return count_with_mass(largest, spec_.p * facts.sum);
    case Rule::entropy:
      return count_of_bin(spec_, facts.entropy);
    case Rule::rank_signal:
      return count_of_signal(spec_, largest, facts.sum);
    default:
      return count_near_largest(largest, critical_difference_);
  }
}

Count FastCount::count(std::span<const float> largest,
                       const kernels::SoftmaxFacts& facts) const noexcept {
  if (largest.empty()) return 0;
  const Count found = before_bounds(largest, facts);
  if (!found) return found;
  const std::size_t within = std::clamp(*found, spec_.min_k, spec_.max_k);
  return std::min(within, largest.size());
}

}  // namespace bhroute::routing
