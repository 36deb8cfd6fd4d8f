#pragma once
// The part of a results.json that the verdict needs, read and checked.

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bhroute/core/error.h"

namespace bhroute::evaluation {

/// One configuration. What is optional was absent or null (a figure that could not be had).
struct ReportRun {
  std::string name, role, marking;
  std::string null;  ///< of the table: "all", "unselected", ...; "" where the file does not say
  std::optional<double> alpha;
  std::optional<std::size_t> min_k, max_k;
  double loss = 0.0, perplexity = 0.0, mean_experts = 0.0;
  std::optional<double> loss_se, loss_difference, loss_difference_se;
  std::optional<double> floor_share, ceiling_share, relative_flops, tokens_per_second;
};

struct ReportSweep {
  std::optional<std::size_t> num_experts, top_k;  ///< of the model
  std::vector<ReportRun> runs;

  const ReportRun* baseline() const;
  std::vector<const ReportRun*> grid() const;
  std::vector<const ReportRun*> marked(std::string_view marking) const;
  /// The grid's run of the same alpha and max_k, nullptr if there is none.
  const ReportRun* grid_twin(const ReportRun& run) const;
};

/// Errors (invalid_input): `runs` or one of a run's name, role, loss, perplexity, mean_experts is
/// missing; any key read here has the wrong type.
Result<ReportSweep> read_report_sweep(const nlohmann::json& results, std::string_view where);

}  // namespace bhroute::evaluation
