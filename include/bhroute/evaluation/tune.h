#pragma once
// From a mean number of experts to the policy that costs least in loss: every rule's parameter is
// solved for the budget, and all are ranked by paired loss on text that the fit has not seen.

#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "bhroute/calibration/calibration_table.h"
#include "bhroute/core/progress.h"
#include "bhroute/evaluation/evaluate.h"
#include "bhroute/stats/block_bootstrap.h"

namespace bhroute::evaluation {

struct TuneOptions {
  double budget = 0.0;               ///< mean experts per token and layer, 1 <= budget < experts
  std::vector<routing::Rule> rules;  ///< empty = all; the fixed counts always take part
  std::vector<routing::WeightRule> weights{routing::WeightRule::mass, routing::WeightRule::native};
  ///< the first is screened with, the others are variants
  Score score = Score::all;
  std::size_t num_threads = 2;
  // Windows of the text: `fit` to fit on, the rest is held back and used from its beginning.
  std::size_t fit = 32, sensitivity = 12, screen = 8, second = 24, final = 96;
  std::size_t num_variants = 6;  ///< rules whose best candidate is varied
  std::size_t num_second = 8, num_final = 3;  ///< candidates that go on
  std::size_t num_rows = 1024;  ///< rows a layer that parameters are solved on
  std::uint64_t seed = 1;
  std::filesystem::path work;        ///< folder of finished runs: run again, it continues
  std::string text_sha256, command;  ///< recorded
};

/// A policy with a solved parameter and what came of it.
struct TunedPolicy {
  std::string name;            ///< "bh log_prob unselected, alpha a layer, +-1"
  routing::PolicySpec policy;  ///< without table
  std::shared_ptr<const calibration::CalibrationTable> table;  ///< null where the rule has none
  bool adaptive = true;
  double predicted_mean = 0.0;  ///< on the rows it was solved on
  double mean_experts = 0.0;    ///< on the held-back windows
  std::size_t num_windows = 0;
  double loss = 0.0;   ///< nats, held-back text
  double score = 0.0;  ///< loss minus that of the fixed count at the same mean, weights as screened
  std::optional<stats::Interval>
      against_static;  ///< the fixed count at the same mean, same weights
  std::string stage;   ///< how far it came: screen, second or final
};

struct TuneResult {
  std::vector<TunedPolicy> ranking;          ///< by stage, then score: the first is the winner
  std::optional<std::size_t> best_adaptive;  ///< of the final stage
  std::vector<std::string> notes;            ///< what was left out, and why; in plain words who won
  std::size_t num_windows = 0;               ///< run, and reused from an earlier run
  std::size_t num_reused = 0;
  double budget = 0.0;
};

/// Errors: the budget is out of bounds; the text is too short for the windows asked for; the
/// engine's.
Result<TuneResult> tune(ModelRunner& model, const WindowedText& text, const TuneOptions& options,
                        ProgressSink& progress);

/// The most windows that tuning on a text of `num_windows` runs: what its progress counts to.
std::size_t planned_windows(const TuneOptions& options, const ModelDescription& model,
                            std::size_t num_windows);

nlohmann::json to_json(const TuneResult& result);

}  // namespace bhroute::evaluation
