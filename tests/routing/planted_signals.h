#pragma once
// Tokens with a known number of experts that stand out of a standard normal null.

#include <random>
#include <vector>

namespace bhroute::testing {

/// Eight of 64 experts of each token are raised, by steps from 5.2 down to 2.4: strong ones that
/// pass at any alpha and weak ones that need a large one.
inline std::vector<float> planted_signals(std::size_t num_tokens, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> logits(num_tokens * 64);
  for (float& r : logits) r = normal(random);
  for (std::size_t t = 0; t < num_tokens; ++t)
    for (std::size_t i = 0; i < 8; ++i)
      logits[t * 64 + (t * 5 + i * 7) % 64] =
          5.2f - 0.4f * static_cast<float>(i) + 0.25f * normal(random);
  return logits;
}

}  // namespace bhroute::testing
