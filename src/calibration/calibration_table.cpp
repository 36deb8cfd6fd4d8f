#include "bhroute/calibration/calibration_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "bhroute/core/log.h"
#include "bhroute/stats/benjamini_hochberg.h"

namespace bhroute::calibration {
namespace {

struct SmallestGroup {
  std::uint64_t n = std::numeric_limits<std::uint64_t>::max();
  std::string place;
};

std::string place_of(int layer, std::size_t group, std::size_t num_groups) {
  return num_groups == 1 ? fmt::format("layer {}", layer)
                         : fmt::format("layer {}, expert {}", layer, group);
}

// Among the groups whose counts are known; n stays at its maximum where none are.
SmallestGroup smallest_group(const CalibrationTable& table) {
  SmallestGroup smallest;
  for (const auto& [index, layer] : table.layers) {
    for (std::size_t g = 0; g < layer.groups.size(); ++g) {
      const auto& counts = layer.groups[g].counts();
      if (counts && counts->size() < smallest.n)
        smallest = {counts->size(), place_of(index, g, layer.groups.size())};
    }
  }
  return smallest;
}

// The smallest n with 1/(n + 1) <= c_1, in the arithmetic of the rule itself: 1/c_1 is rounded, so
// its neighbours are asked too.
std::uint64_t needed_size(std::size_t num_experts, double alpha) {
  constexpr double kMost =
      0x1p53;  // beyond, doubles no longer count by ones, and no table reaches it
  const double c_1 = stats::bh_critical_values(num_experts, alpha).front();
  double inverse = std::ceil(std::min(1.0 / c_1, kMost));
  if (1.0 / inverse > c_1) ++inverse;
  if (1.0 / (inverse - 1.0) <= c_1) --inverse;
  return static_cast<std::uint64_t>(inverse) - 1;
}

// What two tables must have in common to be counted together.
struct Property {
  const char* name;
  std::string (*value)(const TableMetadata&);
};

constexpr Property kShared[] = {
    {"model_name", [](const TableMetadata& m) { return m.model_name; }},
    {"model_sha256", [](const TableMetadata& m) { return m.model_sha256; }},
    {"num_layers", [](const TableMetadata& m) { return std::to_string(m.num_layers); }},
    {"num_experts", [](const TableMetadata& m) { return std::to_string(m.num_experts); }},
    {"top_k", [](const TableMetadata& m) { return std::to_string(m.top_k); }},
    {"statistic", [](const TableMetadata& m) { return std::string(to_string(m.statistic)); }},
    {"null", [](const TableMetadata& m) { return to_string(m.null); }},
    {"pooling", [](const TableMetadata& m) { return std::string(to_string(m.pooling)); }},
    {"form", [](const TableMetadata& m) { return std::string(stats::to_string(m.form)); }},
    {"resolution", [](const TableMetadata& m) { return std::string(to_string(m.resolution)); }},
    {"smoothing_kernel", [](const TableMetadata& m) { return m.smoothing_kernel; }},
    {"bandwidth", [](const TableMetadata& m) { return m.bandwidth; }},
};

Result<void> check_alike(const TableMetadata& a, const TableMetadata& b) {
  for (const auto& [name, value] : kShared)
    if (value(a) != value(b))
      return invalid_input("merge", fmt::format("tables differ in {}", name),
                           fmt::format("'{}'", value(b)), fmt::format("'{}'", value(a)));
  return {};
}

std::string join(const std::string& a, const std::string& b, std::string_view separator) {
  return a.empty() || b.empty() ? a + b : fmt::format("{}{}{}", a, separator, b);
}

TableMetadata merge_metadata(const TableMetadata& a, const TableMetadata& b) {
  TableMetadata merged = a;
  merged.text_sha256 = join(a.text_sha256, b.text_sha256, "+");
  if (a.command != b.command) merged.command = join(a.command, b.command, " + ");
  merged.num_tokens = a.num_tokens + b.num_tokens;
  merged.reservoir_rows = std::min(a.reservoir_rows, b.reservoir_rows);
  if (merged.reservoir_rows == 0) merged.reservoir_seed = 0;
  return merged;
}

// A layer that one table lacks keeps the other's rows, cut to the common capacity.
Result<std::map<int, RowSample>> merge_all_samples(const CalibrationTable& a,
                                                   const CalibrationTable& b,
                                                   std::size_t capacity) {
  std::map<int, RowSample> merged;
  if (capacity == 0) return merged;
  for (const CalibrationTable* table : {&a, &b}) {
    for (const auto& [index, sample] : table->samples) {
      const auto place = merged.try_emplace(index, RowSample{sample.num_experts, {}, {}}).first;
      auto both = merge_samples(place->second, sample, capacity);
      if (!both) return tl::make_unexpected(std::move(both).error());
      place->second = *std::move(both);
    }
  }
  return merged;
}

// The options that smooth the merged counts as both tables were smoothed.
Result<stats::KdeOptions> smoothing_of(const TableMetadata& metadata, std::size_t grid_size) {
  const auto kernel = stats::parse_smoothing_kernel(metadata.smoothing_kernel);
  if (!kernel) return tl::make_unexpected(kernel.error());
  return stats::parse_bandwidth(metadata.bandwidth).map([&](const stats::Bandwidth& bandwidth) {
    return stats::KdeOptions{*kernel, bandwidth, grid_size};
  });
}

Result<NullDistribution> merge_groups(const NullDistribution& a, const NullDistribution& b,
                                      const TableMetadata& metadata) {
  auto counts = stats::CountedSample::merge(*a.counts(), *b.counts());
  if (!a.grid()) return NullDistribution::from_counts(std::move(counts), metadata.form);
  return smoothing_of(metadata, a.grid()->x().size())
      .and_then([&](const stats::KdeOptions& options) { return stats::smooth(counts, options); })
      .map([&](stats::GriddedCdf grid) {
        return NullDistribution::from_grid(std::move(grid), counts);
      });
}

Result<LayerNull> merge_layers(int index, const LayerNull& a, const LayerNull& b,
                               const TableMetadata& metadata) {
  if (a.groups.size() != b.groups.size())
    return invalid_input("merge", fmt::format("different numbers of groups in layer {}", index),
                         std::to_string(b.groups.size()), std::to_string(a.groups.size()));
  LayerNull merged;
  for (std::size_t g = 0; g < a.groups.size(); ++g) {
    auto group = merge_groups(a.groups[g], b.groups[g], metadata);
    if (!group) return tl::make_unexpected(std::move(group).error());
    merged.groups.push_back(*std::move(group));
  }
  return merged;
}

Result<void> check_counted(const CalibrationTable& table) {
  for (const auto& [index, layer] : table.layers)
    for (const auto& group : layer.groups)
      if (!group.counts())
        return invalid_input("merge", "a table without counts cannot be merged",
                             fmt::format("layer {} is a grid only", index),
                             "tables made by calibration");
  return {};
}

}  // namespace

NullDistribution NullDistribution::from_counts(stats::CountedSample counts,
                                               stats::PValueForm form) {
  NullDistribution null;
  null.counts_ = std::move(counts);
  null.form_ = form;
  return null;
}

NullDistribution NullDistribution::from_grid(stats::GriddedCdf grid,
                                             std::optional<stats::CountedSample> counts) {
  NullDistribution null;
  null.counts_ = std::move(counts);
  null.grid_ = std::move(grid);
  return null;
}

double NullDistribution::p_value(float z) const noexcept {
  if (std::isnan(z)) return std::numeric_limits<double>::quiet_NaN();
  if (grid_) return grid_->p_value(z);
  return form_ == stats::PValueForm::conformal ? counts_->conformal_p_value(z)
                                               : counts_->gridded_p_value(z);
}

Result<void> check_resolution(const CalibrationTable& table, std::size_t num_experts,
                              double alpha) {
  const SmallestGroup smallest = smallest_group(table);
  const std::uint64_t needed = needed_size(num_experts, alpha);
  if (smallest.n >= needed) return {};
  const std::string got = fmt::format("n = {} in {}", smallest.n, smallest.place);
  const std::string want = fmt::format("at least {}", needed);
  if (table.metadata.form == stats::PValueForm::conformal)
    return invalid_input("table", fmt::format("conformal table too small for alpha {}", alpha), got,
                         want);
  const std::string message = fmt::format(
      "table: gridded table too small for alpha {}: p-values below 1/n rest on no calibration "
      "value, got {}, want {}",
      alpha, got, want);
  log_warning_once(message, message);
  return {};
}

Result<CalibrationTable> merge(const CalibrationTable& a, const CalibrationTable& b) {
  for (const auto& check :
       {check_alike(a.metadata, b.metadata), check_counted(a), check_counted(b)})
    if (!check) return tl::make_unexpected(check.error());
  CalibrationTable merged{merge_metadata(a.metadata, b.metadata), a.layers, {}};
  auto samples = merge_all_samples(a, b, merged.metadata.reservoir_rows);
  if (!samples) return tl::make_unexpected(std::move(samples).error());
  merged.samples = *std::move(samples);
  for (const auto& [index, layer] : b.layers) {
    const LayerNull* mine = a.layer(index);
    auto both =
        mine == nullptr ? Result<LayerNull>(layer) : merge_layers(index, *mine, layer, a.metadata);
    if (!both) return tl::make_unexpected(std::move(both).error());
    merged.layers.insert_or_assign(index, *std::move(both));
  }
  return merged;
}

}  // namespace bhroute::calibration
