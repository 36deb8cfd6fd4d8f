#pragma once
// Tokens with a known number of experts that stand out of a standard normal null.

#include <random>
#include <vector>

namespace bhroute::testing {

/// Eight of 64 experts of each token are raised: four that pass at any alpha, four that need a
/// larger one.
inline std::vector<float> planted_signals(std::size_t num_tokens, unsigned seed) {
  constexpr float raised[] = {5.0f, 4.5f, 4.0f, 3.5f, 3.0f, 2.85f, 2.75f, 2.38f};
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> logits(num_tokens * 64);
  for (float& r : logits) r = normal(random);
  for (std::size_t t = 0; t < num_tokens; ++t)
    for (std::size_t i = 0; i < 8; ++i)
      logits[t * 64 + (t * 5 + i * 7) % 64] = raised[i] + 0.1f * normal(random);
  return logits;
}

}  // namespace bhroute::testing
