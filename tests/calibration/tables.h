#pragma once
// Small calibration tables for tests.

#include <random>
#include <stdexcept>
#include <vector>

#include "bhroute/calibration/calibrator.h"

namespace bhroute::calibration::testing {

/// Ends a test whose preparation fails.
inline void must(const Result<void>& result) {
  if (!result) throw std::runtime_error(to_string(result.error()));
}

/// Normal logits in bf16's steps, so that ties are common; row-major [num_tokens, num_experts].
inline std::vector<float> random_logits(std::size_t num_tokens, std::size_t num_experts,
                                        unsigned seed) {
  std::mt19937 engine(seed);
  std::normal_distribution<float> normal;
  std::vector<float> logits(num_tokens * num_experts);
  for (float& logit : logits) logit = round_up(Resolution::bf16, normal(engine));
  return logits;
}

inline LogitsView view(const std::vector<float>& logits, std::size_t num_experts) {
  return {logits.data(), logits.size() / num_experts, num_experts, num_experts};
}

/// Two layers of `num_tokens` tokens each, counted under `options`.
inline CalibrationTable make_table(CalibrationOptions options = {}, std::size_t num_tokens = 50,
                                   unsigned seed = 1) {
  constexpr std::size_t kExperts = 8;
  auto calibrator = Calibrator::create(std::move(options), kExperts, 2).value();
  for (int layer : {0, 10}) {
    const auto logits = random_logits(num_tokens, kExperts, seed + static_cast<unsigned>(layer));
    must(calibrator.add(layer, view(logits, kExperts)));
  }
  TableMetadata metadata;
  metadata.model_name = "nano";
  metadata.text_sha256 = "abc";
  metadata.command = "bhroute calibrate -m \"naïve\"";
  return calibrator.finish(metadata).value();
}

inline CalibrationOptions smoothed() {
  CalibrationOptions options;
  options.smoothing =
      stats::KdeOptions{stats::SmoothingKernel::epanechnikov, stats::BandwidthRule::silverman, 100};
  return options;
}

}  // namespace bhroute::calibration::testing
