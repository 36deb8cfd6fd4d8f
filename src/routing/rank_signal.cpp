#include "rank_signal.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>

namespace bhroute::routing {
namespace {

/// The bits of a float, -0 as +0.
std::uint64_t bits_of(float x) noexcept { return std::bit_cast<std::uint32_t>(x + 0.0f); }

}  // namespace

// The finaliser of splitmix64 (Steele, Lea & Flood 2014) mixes all bits of the pair.
double own_dither(float largest, float ranked) noexcept {
  std::uint64_t x = (bits_of(largest) << 32 | bits_of(ranked)) + 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return static_cast<double>((x ^ (x >> 31)) >> 11) * 0x1p-53;
}

std::size_t rank_signal_count(const PolicySpec& spec, const PlainSoftmax& softmax) {
  const double z = (softmax.log_prob(spec.rank) - spec.mean) / spec.sd;
  const std::size_t last = std::min(spec.rank, softmax.logits.size()) - 1;
  const double up = spec.dither ? own_dither(static_cast<float>(softmax.logits.front()),
                                             static_cast<float>(softmax.logits[last]))
                                : 0.5;
  // A gain of 0 times an infinite z is no number: the count at z = 0.
  const double product = spec.gain * z;
  const double k = std::floor(spec.k0 + (std::isnan(product) ? 0.0 : product) + up);
  return static_cast<std::size_t>(
      std::clamp(k, static_cast<double>(spec.min_k), static_cast<double>(spec.max_k)));
}

}  // namespace bhroute::routing
