#pragma once
// What is tried: rules, nulls, bands, shares of the budget, weights.

#include <string>
#include <vector>

#include "bhroute/calibration/calibrator.h"
#include "bhroute/evaluation/tune.h"

namespace bhroute::evaluation {

/// How layers share the budget.
enum class Shares {
  equal,        ///< each layer has the budget
  sensitivity,  ///< whole counts a layer that cost least, by dynamic programming over measured
                ///< losses
  benefit  ///< critical: one threshold on what an expert is predicted to be worth, in any layer
};

/// A null distribution to test against.
struct NullChoice {
  calibration::Statistic statistic = calibration::Statistic::log_prob;
  calibration::NullSpec null{calibration::NullKind::unselected, 0};
  calibration::Pooling pooling = calibration::Pooling::pooled;
  bool operator==(const NullChoice&) const = default;
};

struct Candidate {
  routing::Rule rule = routing::Rule::bh;
  NullChoice null;        ///< of rules that use p-values
  bool per_layer = true;  ///< the parameter is solved for each layer, or one for all
  Shares shares = Shares::equal;
  std::size_t width = 1;        ///< of the band: the budget +- so many
  std::size_t first_width = 0;  ///< the same of the first MoE layer; 0 = as the others
  routing::WeightRule weights = routing::WeightRule::mass;
  std::size_t k = 0;  ///< top_k
  bool operator==(const Candidate&) const = default;

  bool is_adaptive() const { return !routing::is_static(rule); }
  std::string name() const;
};

/// The first MoE layer is measured at the budget +- so many experts, the others at +- 1.
constexpr std::size_t kWidestMeasured = 3;

/// The fixed counts around the budget, with every weight rule: what all is compared with.
std::vector<Candidate> static_candidates(const TuneOptions& options);
/// Every rule asked for, BH with every null, in the narrow band; equal shares but for `critical`.
std::vector<Candidate> first_candidates(const TuneOptions& options);
/// Other bands, shares, scopes and weights of one that did well.
std::vector<Candidate> variants_of(const Candidate& candidate, const TuneOptions& options);

}  // namespace bhroute::evaluation
