#include "bhroute/calibration/calibrator.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <functional>

#include "bhroute/core/log.h"
#include "bhroute/core/version.h"

namespace bhroute::calibration {
namespace {

// One integer that orders a token's logits: higher logit first, then lower index; NaN behind
// everything.
std::uint64_t rank_key(float logit, std::size_t index) noexcept {
  if (std::isnan(logit)) return 0;
  const auto bits = std::bit_cast<std::uint32_t>(logit + 0.0f);  // -0 and +0 tie
  const std::uint32_t rising = (bits & 0x80000000u) != 0 ? ~bits : bits | 0x80000000u;
  return std::uint64_t{rising} << 32 | ~static_cast<std::uint32_t>(index);
}

// The count-th largest key; `scratch` has keys.size() values. A few of many are found fastest by
// keeping them sorted, many by partitioning.
std::uint64_t kth_largest(std::span<const std::uint64_t> keys, std::size_t count,
                          std::span<std::uint64_t> scratch) {
  constexpr std::size_t kFew = 16;
  if (count > kFew) {
    std::copy(keys.begin(), keys.end(), scratch.begin());
    const auto last = scratch.begin() + static_cast<std::ptrdiff_t>(count - 1);
    std::nth_element(scratch.begin(), last, scratch.end(), std::greater<>{});
    return *last;
  }
  std::array<std::uint64_t, kFew> best{};
  for (std::uint64_t key : keys) {
    std::size_t i = count - 1;
    if (key <= best[i]) continue;
    for (; i > 0 && best[i - 1] < key; --i) best[i] = best[i - 1];
    best[i] = key;
  }
  return best[count - 1];
}

std::size_t num_left_out(const NullSpec& null, std::size_t top_k) noexcept {
  switch (null.kind) {
    case NullKind::all:
      return 0;
    case NullKind::unselected:
      return top_k;
    case NullKind::trimmed:
      break;
  }
  return null.num_trimmed;
}

Result<NullDistribution> make_null(const LogitCounter& counter, const CalibrationOptions& options) {
  auto sample = counter.sample();
  if (!sample) return tl::make_unexpected(std::move(sample).error());
  if (!options.smoothing) return NullDistribution::from_counts(*std::move(sample), options.form);
  return stats::smooth(*sample, *options.smoothing).map([&](stats::GriddedCdf grid) {
    return NullDistribution::from_grid(std::move(grid), *sample);
  });
}

TableMetadata describe(TableMetadata metadata, const CalibrationOptions& options) {
  metadata.statistic = options.statistic;
  metadata.null = options.null;
  metadata.pooling = options.pooling;
  metadata.form = options.smoothing ? stats::PValueForm::gridded : options.form;
  metadata.resolution = options.resolution;
  metadata.smoothing_kernel =
      options.smoothing ? stats::to_string(options.smoothing->kernel) : "none";
  metadata.bandwidth = options.smoothing ? stats::to_string(options.smoothing->bandwidth) : "";
  metadata.reservoir_rows = options.reservoir_rows;
  metadata.reservoir_seed = options.reservoir_rows == 0 ? 0 : options.reservoir_seed;
  if (metadata.created_by.empty()) metadata.created_by = fmt::format("bhroute {}", version());
  return metadata;
}

}  // namespace

Calibrator::Calibrator(CalibrationOptions options, std::size_t num_experts, std::size_t top_k)
    : options_(std::move(options)),
      num_experts_(num_experts),
      top_k_(top_k),
      statistic_(num_experts),
      keys_(num_experts),
      scratch_(num_experts) {}

Result<Calibrator> Calibrator::create(CalibrationOptions options, std::size_t num_experts,
                                      std::size_t top_k) {
  if (num_experts == 0) return invalid_input("num_experts", "no experts", "0", "at least 1");
  const std::string bound = fmt::format("less than the {} experts", num_experts);
  if (top_k >= num_experts)
    return invalid_input("top_k", "too many selected experts", std::to_string(top_k), bound);
  if (options.null.kind == NullKind::unselected && top_k == 0)
    return invalid_input("top_k", "unknown, but the null 'unselected' needs it", "0", "at least 1");
  if (options.null.kind == NullKind::trimmed && options.null.num_trimmed >= num_experts)
    return invalid_input("null", "too many trimmed", std::to_string(options.null.num_trimmed),
                         bound);
  return Calibrator(std::move(options), num_experts, top_k);
}

// The key of the last logit left out: what lies below it is counted.
std::uint64_t Calibrator::last_left_out(std::span<const float> logits) {
  for (std::size_t e = 0; e < logits.size(); ++e) keys_[e] = rank_key(logits[e], e);
  const std::size_t count = num_left_out(options_.null, top_k_);
  if (count == 0) return ~std::uint64_t{0};
  return kth_largest(keys_, count, scratch_);
}

void Calibrator::add_token(Layer& layer, std::span<const float> logits) {
  layer.reservoir.add(logits);
  compute_statistic(options_.statistic, logits, statistic_);
  if (options_.null.kind == NullKind::all && options_.pooling == Pooling::pooled)
    return layer.groups.front().add(statistic_);
  const std::uint64_t bound = last_left_out(logits);
  if (options_.pooling == Pooling::per_expert) {
    for (std::size_t e = 0; e < num_experts_; ++e)
      if (keys_[e] < bound) layer.groups[e].add(statistic_[e]);
    return;
  }
  std::size_t kept = 0;
  for (std::size_t e = 0; e < num_experts_; ++e) {
    statistic_[kept] = statistic_[e];
    kept += keys_[e] < bound ? 1 : 0;
  }
  layer.groups.front().add(std::span(statistic_).first(kept));
}

Calibrator::Layer& Calibrator::layer_at(int index) {
  const auto found = layers_.find(index);
  if (found != layers_.end()) return found->second;
  Layer layer{{}, {options_.reservoir_rows, options_.reservoir_seed, num_experts_}, 0};
  while (layer.groups.size() < (options_.pooling == Pooling::pooled ? 1 : num_experts_))
    layer.groups.emplace_back(options_.resolution);
  return layers_.emplace(index, std::move(layer)).first->second;
}

Result<void> Calibrator::add(int layer_index, LogitsView logits) {
  if (logits.num_experts != num_experts_)
    return invalid_input(fmt::format("layer {}", layer_index), "wrong number of experts",
                         std::to_string(logits.num_experts), std::to_string(num_experts_));
  Layer& layer = layer_at(layer_index);
  for (std::size_t t = 0; t < logits.num_tokens; ++t) add_token(layer, logits.token(t));
  layer.num_tokens += logits.num_tokens;
  return {};
}

std::uint64_t Calibrator::num_tokens() const noexcept {
  std::uint64_t most = 0;
  for (const auto& [index, layer] : layers_) most = std::max(most, layer.num_tokens);
  return most;
}

Result<LayerNull> Calibrator::finish_layer(int index, const Layer& layer) const {
  LayerNull result;
  std::uint64_t not_finite = 0;
  for (const LogitCounter& group : layer.groups) not_finite += group.num_not_finite();
  if (not_finite > 0)
    log_warning(
        fmt::format("layer {}: {} values are not finite and were left out", index, not_finite));
  for (std::size_t g = 0; g < layer.groups.size(); ++g) {
    auto null = make_null(layer.groups[g], options_);
    if (!null) {
      Error error = std::move(null).error();
      error.where = layer.groups.size() == 1 ? fmt::format("layer {}", index)
                                             : fmt::format("layer {}, expert {}", index, g);
      return tl::make_unexpected(std::move(error));
    }
    result.groups.push_back(*std::move(null));
  }
  return result;
}

Result<CalibrationTable> Calibrator::finish(TableMetadata metadata) const {
  if (layers_.empty())
    return invalid_input("calibration", "no router logits were seen", "0 layers", "at least 1");
  CalibrationTable table{describe(std::move(metadata), options_), {}, {}};
  table.metadata.num_experts = num_experts_;
  table.metadata.top_k = top_k_;
  table.metadata.num_tokens = num_tokens();
  if (table.metadata.num_layers == 0) table.metadata.num_layers = layers_.size();
  for (const auto& [index, layer] : layers_) {
    auto finished = finish_layer(index, layer);
    if (!finished) return tl::make_unexpected(std::move(finished).error());
    table.layers.emplace(index, *std::move(finished));
    if (options_.reservoir_rows > 0) table.samples.emplace(index, layer.reservoir.sample());
  }
  return table;
}

}  // namespace bhroute::calibration
