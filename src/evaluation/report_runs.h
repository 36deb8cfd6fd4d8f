#pragma once
// The part of a results.json that the verdict needs, read and checked.

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bhroute/core/error.h"

namespace bhroute::evaluation {

/// Bounds of a 95 % interval.
struct ReportInterval {
  double low = 0.0, high = 0.0;
  bool below_zero() const { return high < 0.0; }
  bool above_zero() const { return low > 0.0; }
};

/// One configuration. What is optional was absent or null (a figure that could not be had).
struct ReportRun {
  std::string name, role, marking;
  std::string null;  ///< of the table: "all", "unselected", ...; "" where the file does not say
  std::string rule, weights;  ///< of the policy; "" where the file does not say
  std::optional<double> alpha;
  std::optional<std::size_t> min_k, max_k;
  double loss = 0.0, perplexity = 0.0, mean_experts = 0.0;
  std::optional<double> loss_se, loss_difference, loss_difference_se;
  std::optional<ReportInterval> loss_interval;  ///< of loss_difference
  std::optional<double> static_difference;      ///< against a fixed count at the same mean
  std::optional<ReportInterval> static_interval;
  std::optional<double>
      reference_difference;  ///< against the first sweep's baseline, where this is another one
  std::optional<ReportInterval> reference_interval;
  std::optional<double> floor_share, ceiling_share, relative_flops, tokens_per_second;
};

struct ReportSweep {
  std::string model;                              ///< its name, "" where the file does not say
  std::optional<std::size_t> num_experts, top_k;  ///< of the model
  std::vector<ReportRun> runs;

  const ReportRun* baseline() const;
  std::vector<const ReportRun*> grid() const;
  std::vector<const ReportRun*> marked(std::string_view marking) const;
  /// Every run whose rule lets the number of experts vary.
  std::vector<const ReportRun*> adaptive() const;
  /// The grid's run of the same alpha and max_k, nullptr if there is none.
  const ReportRun* grid_twin(const ReportRun& run) const;
};

/// Errors (invalid_input): `runs` or one of a run's name, role, loss, perplexity, mean_experts is
/// missing; any key read here has the wrong type.
Result<ReportSweep> read_report_sweep(const nlohmann::json& results, std::string_view where);

}  // namespace bhroute::evaluation
