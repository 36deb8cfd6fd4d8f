#pragma once
// The product of calibration: each layer's null distribution, and what it was made from.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bhroute/calibration/logit_counter.h"
#include "bhroute/calibration/logit_reservoir.h"
#include "bhroute/calibration/null_spec.h"
#include "bhroute/core/error.h"
#include "bhroute/stats/counted_sample.h"
#include "bhroute/stats/gridded_cdf.h"
#include "bhroute/stats/kde.h"

namespace bhroute::calibration {

/// The null of one layer, or of one expert of one layer. Holds counts, a grid, or both (a smoothed table keeps
/// its counts, so that it can be merged); the p-value comes from the grid where there is one.
class NullDistribution {
 public:
  static NullDistribution from_counts(stats::CountedSample counts, stats::PValueForm form);
  static NullDistribution from_grid(stats::GriddedCdf grid, std::optional<stats::CountedSample> counts = {});

  /// Right-tail p-value of a value of the statistic: non-increasing in z; NaN gives NaN. The reference function.
  double p_value(float z) const noexcept;
  const std::optional<stats::CountedSample>& counts() const noexcept { return counts_; }
  const std::optional<stats::GriddedCdf>& grid() const noexcept { return grid_; }
  stats::PValueForm form() const noexcept { return form_; }  ///< of the counts

 private:
  std::optional<stats::CountedSample> counts_;
  std::optional<stats::GriddedCdf> grid_;
  stats::PValueForm form_ = stats::PValueForm::gridded;
};

struct LayerNull {
  std::vector<NullDistribution> groups;  ///< 1 if pooled, num_experts if per_expert
  const NullDistribution& of_expert(std::size_t expert) const {
    return groups.size() == 1 ? groups.front() : groups[expert];
  }
};

struct TableMetadata {
  std::string model_name;    ///< general.name of the GGUF, or "" if unknown
  std::string model_sha256;  ///< of the model's file, or ""
  std::string text_sha256;   ///< of the calibration text, or ""; merged tables join theirs by '+'
  std::string created_by;    ///< "bhroute 0.1.0"
  std::string command;       ///< the command that made it
  std::size_t num_layers = 0;   ///< MoE layers of the model; the table may hold fewer
  std::size_t num_experts = 0;  ///< 0 = unknown (an imported pickle table fits any)
  std::size_t top_k = 0;        ///< the model's own; 0 = unknown
  std::uint64_t num_tokens = 0;
  Statistic statistic = Statistic::logit;
  NullSpec null;
  Pooling pooling = Pooling::pooled;
  stats::PValueForm form = stats::PValueForm::conformal;
  Resolution resolution = Resolution::float32;
  std::string smoothing_kernel = "none";  ///< or a SmoothingKernel's name, or "unknown" (imported)
  std::string bandwidth;                  ///< "scott", "silverman", a number, or "" for none
  std::size_t reservoir_rows = 0;         ///< most rows a layer's sample holds; 0 = no samples
  std::uint64_t reservoir_seed = 0;
};

struct CalibrationTable {
  TableMetadata metadata;
  std::map<int, LayerNull> layers;  ///< by layer index, as in the model's tensor names
  std::map<int, RowSample> samples{};  ///< whole logit rows of the same layers; empty without a reservoir

  const LayerNull* layer(int index) const {
    auto it = layers.find(index);
    return it == layers.end() ? nullptr : &it->second;
  }
};

/// Conformal p-values cannot go below 1/(n+1): rank 1 of N can pass at alpha only if n >= N/alpha - 1.
/// Returns an error naming the n it needs for a conformal table that is too small; for a gridded one with known
/// counts warns through the log and succeeds.
Result<void> check_resolution(const CalibrationTable& table, std::size_t num_experts, double alpha);

/// The table of both calibration sets together; counts add exactly, smoothed tables are smoothed again, samples
/// stay fair ones of the union (of the smaller capacity; none where one table has none).
/// Errors: different model, experts, statistic, null, pooling, form, resolution or smoothing; a table with no counts.
Result<CalibrationTable> merge(const CalibrationTable& a, const CalibrationTable& b);

}  // namespace bhroute::calibration
