#pragma once
// What a policy will do, told from a table's sampled rows by the policy's own code, without the
// model.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "bhroute/calibration/calibration_table.h"
#include "bhroute/evaluation/run_result.h"
#include "bhroute/evaluation/sweep.h"
#include "bhroute/routing/policy.h"

namespace bhroute::evaluation {

struct LayerPrediction {
  ExpertCounts experts;
  double floor_share = 0.0, ceiling_share = 0.0;  ///< at the layer's own min_k and max_k
};

struct Prediction {
  std::map<int, LayerPrediction> layers;
  double mean_experts = 0.0, sd_experts = 0.0, floor_share = 0.0,
         ceiling_share = 0.0;  ///< all layers
  /// A hash of each sampled token's selected experts, layer after layer: equal selections, equal
  /// hashes.
  std::vector<std::uint64_t> selections;
};

/// What the model is, as far as its table says; the weights' normalisation is not known and does
/// not matter for counts.
routing::RouterFacts facts_of(const calibration::TableMetadata& metadata);

/// Routes every sampled row. The rows were made by the model's own routing: a policy shifts the
/// logits of deeper layers, so the prediction is exact (up to sampling) at the first MoE layer
/// only. Errors: no sampled rows; the policy's.
Result<Prediction> predict(const std::map<int, calibration::RowSample>& samples,
                           const routing::Policy& policy);

/// One name or more that do the same: the same weights and temperature, and other experts for at
/// most `kIndistinguishableShare` of the sampled (token, layer) pairs.
inline constexpr double kIndistinguishableShare = 0.001;
struct PredictedRun {
  std::string name;
  routing::PolicySpec policy;
  Prediction prediction;
};
/// Each configuration by the table of its null (its own, if its policy names one); fixed counts by
/// any table's rows. One that lacks a table, whose table has no sampled rows, or that its table
/// cannot have becomes a note. Errors: a table of its own that cannot be read.
struct PredictedList {
  std::vector<PredictedRun> runs;
  std::vector<std::string> notes;
};
Result<PredictedList> predict_list(const std::vector<Configuration>& configurations,
                                   const TablesByNull& tables);

/// Groups of two or more, as indices into `runs`, each compared with the first of its group.
std::vector<std::vector<std::size_t>> indistinguishable(const std::vector<PredictedRun>& runs);

}  // namespace bhroute::evaluation
