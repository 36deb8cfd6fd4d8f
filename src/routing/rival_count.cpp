#include "rival_count.h"

#include <algorithm>
#include <cmath>

#include "plain_softmax.h"
#include "rank_critical.h"
#include "rank_signal.h"

namespace bhroute::routing {
namespace {

template <class Keep>
std::size_t count_leading(const std::vector<double>& shares, Keep keep) {
  return static_cast<std::size_t>(std::find_if_not(shares.begin(), shares.end(), keep) -
                                  shares.begin());
}

std::size_t smallest_set_with_mass(const PlainSoftmax& softmax, double mass) {
  double reached = 0.0;
  for (std::size_t k = 0; k < softmax.shares.size(); ++k) {
    reached += softmax.shares[k];
    if (reached >= mass * softmax.sum) return k + 1;
  }
  return softmax.shares.size();
}

std::size_t count_of_bin(const PolicySpec& spec, double entropy) {
  const auto bin = std::upper_bound(spec.edges.begin(), spec.edges.end(), entropy);
  return spec.counts[static_cast<std::size_t>(bin - spec.edges.begin())];
}

std::size_t before_bounds(const PolicySpec& spec, const PlainSoftmax& softmax) {
  switch (spec.rule) {
    case Rule::ser:
      return count_leading(softmax.shares, [&](double q) { return q > spec.t; });
    case Rule::min_p:
      return count_leading(softmax.shares, [&](double q) { return q >= spec.m; });
    case Rule::skip_ratio:
      return count_leading(softmax.shares, [&](double q) { return q >= spec.beta; });
    case Rule::prob_threshold:
      return count_leading(softmax.shares, [&](double q) { return q >= spec.level * softmax.sum; });
    case Rule::top_p:
      return smallest_set_with_mass(softmax, spec.p);
    case Rule::entropy:
      return count_of_bin(spec, softmax.entropy());
    case Rule::rank_signal:
      return rank_signal_count(spec, softmax);
    default:
      return spec.k;
  }
}

}  // namespace

std::size_t rival_count(const PolicySpec& spec, std::span<const float> logits) {
  if (spec.rule == Rule::critical) return rank_critical_count(spec, logits);
  const PlainSoftmax softmax = plain_softmax(logits);
  const CountBounds bounds = spec.bounds();
  if (softmax.logits.empty()) return 0;
  return std::min(std::clamp(before_bounds(spec, softmax), bounds.min_k, bounds.max_k),
                  softmax.logits.size());
}

}  // namespace bhroute::routing
