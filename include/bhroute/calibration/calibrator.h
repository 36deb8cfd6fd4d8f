#pragma once
// Collects router logits, token by token, and makes the table.

#include <map>
#include <optional>
#include <vector>

#include "bhroute/calibration/calibration_table.h"
#include "bhroute/core/logits_view.h"

namespace bhroute::calibration {

struct CalibrationOptions {
  Statistic statistic = Statistic::logit;
  NullSpec null = {};
  Pooling pooling = Pooling::pooled;
  stats::PValueForm form = stats::PValueForm::conformal;  ///< smoothing makes it gridded
  Resolution resolution = Resolution::float32;
  std::optional<stats::KdeOptions> smoothing = {};
  std::size_t reservoir_rows = 0;   ///< whole logit rows kept a layer; 0 = none
  std::uint64_t reservoir_seed = 1;
};

class Calibrator {
 public:
  /// `top_k` is the model's own; the null `unselected` leaves that many largest logits of each token out
  /// (ties: the lower index counts as selected). Errors: num_experts 0, top_k or num_trimmed >= num_experts.
  static Result<Calibrator> create(CalibrationOptions options, std::size_t num_experts, std::size_t top_k);

  Calibrator(Calibrator&&) = default;
  Calibrator& operator=(Calibrator&&) = default;

  /// Counts every token of `logits` for `layer`. Errors: another number of experts.
  Result<void> add(int layer, LogitsView logits);
  std::uint64_t num_tokens() const noexcept;  ///< of the layer that saw the most
  /// Errors: a layer (or an expert of one) counted nothing. `metadata` brings names and hashes; the fields that
  /// the options and counts determine are filled in here.
  Result<CalibrationTable> finish(TableMetadata metadata) const;

 private:
  Calibrator(CalibrationOptions options, std::size_t num_experts, std::size_t top_k);
  struct Layer {
    std::vector<LogitCounter> groups;
    LogitReservoir reservoir;
    std::uint64_t num_tokens = 0;
  };
  Layer& layer_at(int index);
  std::uint64_t last_left_out(std::span<const float> logits);
  void add_token(Layer& layer, std::span<const float> logits);
  Result<LayerNull> finish_layer(int index, const Layer& layer) const;

  CalibrationOptions options_;
  std::size_t num_experts_, top_k_;
  std::map<int, Layer> layers_;
  std::vector<float> statistic_;                  // one token's, reused
  std::vector<std::uint64_t> keys_, scratch_;     // one token's ranking
};

}  // namespace bhroute::calibration
