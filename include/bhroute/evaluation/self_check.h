#pragma once
// Whether a table's p-values mean on a fresh text what they say.

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <utility>
#include <vector>

#include "bhroute/calibration/calibrator.h"

namespace bhroute::evaluation {

/// How far reality may be from the statement: Kolmogorov's distance of H0's p-values from uniform.
inline constexpr double kHolds = 0.02, kHoldsRoughly = 0.05;
enum class Verdict { holds, roughly, fails };
std::string_view to_string(Verdict verdict) noexcept;

/// One alpha on the fresh text. Counts are means over tokens, before min_k and max_k.
struct RateCheck {
  double alpha = 0.0;
  double h0_share = 0.0;         ///< share of H0's p-values <= alpha: alpha, where H0 holds
  double mean_p_below = 0.0;     ///< #{j : p_j <= alpha} over all experts
  double mean_rejections = 0.0;  ///< of the Benjamini-Hochberg step-up
};

/// All logits of the fresh text against the table's sampled rows. NaN without such rows.
struct LogitDrift {
  double ks = 0.0;          ///< Smirnov's distance
  double mean_shift = 0.0;  ///< in the calibration's standard deviations
  double sd_ratio = 0.0;    ///< fresh / calibration
};

struct LayerCheck {
  std::uint64_t num_p_values = 0;  ///< under H0
  double ks = 0.0;                 ///< of H0's p-values from uniform
  Verdict verdict = Verdict::holds;
  std::vector<std::pair<double, double>> qq;  ///< (uniform quantile, p-value quantile) under H0
  std::vector<RateCheck> rates;
  LogitDrift drift;
};

struct SelfCheck {
  calibration::TableMetadata table, fresh;
  std::map<int, LayerCheck> layers;
  /// N * alpha bounds the mean number selected: true of the null `all`, pooled, on its own text.
  bool is_bounded() const noexcept;
};

/// What the fresh text must be calibrated with, so that the same H0's values are counted.
calibration::CalibrationOptions fresh_options(const calibration::TableMetadata& table);

/// `fresh`: the fresh text under fresh_options. Errors: other experts, statistic, null or pooling;
/// a fresh table without counts or sampled rows; a layer of the fresh table that the table lacks.
Result<SelfCheck> self_check(const calibration::CalibrationTable& table,
                             const calibration::CalibrationTable& fresh);

/// What it comes to, in plain sentences.
std::vector<std::string> in_words(const SelfCheck& check);
nlohmann::json to_json(const SelfCheck& check);

}  // namespace bhroute::evaluation
