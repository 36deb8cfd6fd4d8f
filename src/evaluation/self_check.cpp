#include "bhroute/evaluation/self_check.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "bhroute/stats/benjamini_hochberg.h"
#include "bhroute/stats/kolmogorov_smirnov.h"

namespace bhroute::evaluation {
namespace {

using calibration::CalibrationTable;
using calibration::LayerNull;
using calibration::RowSample;
using stats::CountedPValues;

constexpr double kAlphas[] = {0.01, 0.05, 0.1, 0.2, 0.3, 0.5};
// Even steps show the whole, powers of ten the tail that the procedures live on.
constexpr double kQuantiles[] = {0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01,
                                 0.02,   0.05,   0.1,    0.2,   0.3,   0.4,   0.5,
                                 0.6,    0.7,    0.8,    0.9,   0.95,  0.99,  1.0};

// The fresh values that H0 speaks of, each as the p-value that the table gives it.
CountedPValues p_values_under_h0(const LayerNull& table, const LayerNull& fresh) {
  CountedPValues all;
  for (std::size_t g = 0; g < fresh.groups.size(); ++g) {
    const auto& sample = *fresh.groups[g].counts();
    for (std::size_t i = 0; i < sample.values().size(); ++i)
      all.emplace_back(table.of_expert(g).p_value(sample.values()[i]), sample.count(i));
  }
  std::sort(all.begin(), all.end());
  return all;
}

double share_at_most(const CountedPValues& rising, double bound) {
  std::uint64_t below = 0, total = 0;
  for (const auto& [p, count] : rising) {
    total += count;
    if (p <= bound) below += count;
  }
  return static_cast<double>(below) / static_cast<double>(total);
}

// Rows whose every p-value is a number, each row's p-values rising.
std::vector<std::vector<double>> sorted_p_values(const LayerNull& null, const RowSample& rows,
                                                 calibration::Statistic kind) {
  std::vector<std::vector<double>> all;
  std::vector<float> statistic(rows.num_experts);
  for (std::size_t t = 0; t < rows.view().num_tokens; ++t) {
    calibration::compute_statistic(kind, rows.view().token(t), statistic);
    std::vector<double> p;
    for (std::size_t e = 0; e < statistic.size(); ++e)
      p.push_back(null.of_expert(e).p_value(statistic[e]));
    if (std::any_of(p.begin(), p.end(), [](double one) { return std::isnan(one); })) continue;
    std::sort(p.begin(), p.end());
    all.push_back(std::move(p));
  }
  return all;
}

RateCheck check_rate(double alpha, const CountedPValues& h0,
                     const std::vector<std::vector<double>>& rows) {
  RateCheck check{alpha, share_at_most(h0, alpha), 0.0, 0.0};
  for (const auto& p : rows) {
    check.mean_p_below +=
        static_cast<double>(std::upper_bound(p.begin(), p.end(), alpha) - p.begin());
    check.mean_rejections +=
        static_cast<double>(stats::benjamini_hochberg(p, alpha).num_rejections);
  }
  check.mean_p_below /= static_cast<double>(rows.size());
  check.mean_rejections /= static_cast<double>(rows.size());
  return check;
}

struct Moments {
  double mean = 0.0, sd = 0.0;
};

std::vector<float> finite_sorted(const RowSample& rows) {
  std::vector<float> values;
  for (float value : rows.rows)
    if (std::isfinite(value)) values.push_back(value);
  std::sort(values.begin(), values.end());
  return values;
}

Moments moments(const std::vector<float>& values) {
  double sum = 0.0, squares = 0.0;
  for (float value : values) {
    sum += value;
    squares += static_cast<double>(value) * value;
  }
  const auto n = static_cast<double>(values.size());
  const double mean = sum / n;
  return {mean, std::sqrt(std::max(0.0, squares / n - mean * mean))};
}

Result<stats::CountedSample> counted(const std::vector<float>& rising) {
  std::vector<float> values;
  std::vector<std::uint64_t> counts;
  for (float value : rising) {
    if (values.empty() || values.back() != value) {
      values.push_back(value);
      counts.push_back(0);
    }
    ++counts.back();
  }
  return stats::CountedSample::create(std::move(values), std::move(counts));
}

LogitDrift drift(const CalibrationTable& table, int layer, const RowSample& fresh) {
  constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();
  const auto calibrated = table.samples.find(layer);
  if (calibrated == table.samples.end()) return {kUnknown, kUnknown, kUnknown};
  const auto then = finite_sorted(calibrated->second), now = finite_sorted(fresh);
  const auto sample_then = counted(then), sample_now = counted(now);
  if (!sample_then || !sample_now) return {kUnknown, kUnknown, kUnknown};
  const Moments a = moments(then), b = moments(now);
  return {stats::ks_distance(*sample_then, *sample_now), (b.mean - a.mean) / a.sd, b.sd / a.sd};
}

Verdict judge(double ks) {
  if (ks <= kHolds) return Verdict::holds;
  return ks <= kHoldsRoughly ? Verdict::roughly : Verdict::fails;
}

LayerCheck check_layer(const CalibrationTable& table, const LayerNull& null, const LayerNull& fresh,
                       int layer, const RowSample& rows) {
  LayerCheck check;
  const auto h0 = p_values_under_h0(null, fresh);
  for (const auto& [p, count] : h0) check.num_p_values += count;
  check.ks = stats::ks_distance_from_uniform(h0);
  check.verdict = judge(check.ks);
  for (double share : kQuantiles) check.qq.emplace_back(share, stats::quantile(h0, share));
  const auto p = sorted_p_values(null, rows, table.metadata.statistic);
  for (double alpha : kAlphas)
    if (!p.empty()) check.rates.push_back(check_rate(alpha, h0, p));
  check.drift = drift(table, layer, rows);
  return check;
}

Result<void> check_alike(const calibration::TableMetadata& table,
                         const calibration::TableMetadata& fresh) {
  const bool same_experts = table.num_experts == 0 || table.num_experts == fresh.num_experts;
  if (!same_experts)
    return invalid_input("table", "made for another number of experts",
                         std::to_string(table.num_experts), std::to_string(fresh.num_experts));
  if (table.statistic != fresh.statistic || table.null != fresh.null ||
      table.pooling != fresh.pooling)
    return invalid_input("fresh text", "calibrated with other settings than the table");
  return {};
}

}  // namespace

bool SelfCheck::is_bounded() const noexcept {
  return table.null.kind == calibration::NullKind::all &&
         table.pooling == calibration::Pooling::pooled;
}

std::string_view to_string(Verdict verdict) noexcept {
  switch (verdict) {
    case Verdict::holds:
      return "holds";
    case Verdict::roughly:
      return "holds roughly";
    case Verdict::fails:
      break;
  }
  return "does not hold";
}

calibration::CalibrationOptions fresh_options(const calibration::TableMetadata& table) {
  calibration::CalibrationOptions options;
  options.statistic = table.statistic;
  options.null = table.null;
  options.pooling = table.pooling;
  options.resolution = table.resolution;
  options.reservoir_rows = 2048;
  return options;
}

Result<SelfCheck> self_check(const CalibrationTable& table, const CalibrationTable& fresh) {
  if (auto ok = check_alike(table.metadata, fresh.metadata); !ok)
    return tl::make_unexpected(ok.error());
  SelfCheck check{table.metadata, fresh.metadata, {}};
  for (const auto& [layer, null] : fresh.layers) {
    const std::string where = "layer " + std::to_string(layer);
    const LayerNull* calibrated = table.layer(layer);
    if (calibrated == nullptr) return invalid_input(where, "not in the table");
    const auto rows = fresh.samples.find(layer);
    if (rows == fresh.samples.end() || !null.groups.front().counts())
      return invalid_input(where, "the fresh text has no counts or no sampled rows");
    check.layers[layer] = check_layer(table, *calibrated, null, layer, rows->second);
  }
  return check;
}

}  // namespace bhroute::evaluation
