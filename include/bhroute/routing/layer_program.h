#pragma once
// What a kernel on another device must know to route one layer by a policy.

#include <memory>
#include <vector>

#include "bhroute/calibration/calibration_table.h"
#include "bhroute/kernels/routing_kernels.h"
#include "bhroute/routing/policy.h"

namespace bhroute::routing {

enum class LayerRule { top_k, step_up, step_down };

/// The arguments of kernels/routing_kernels.h for one layer. For top_k: min_k = max_k = k and no
/// critical logits.
struct LayerProgram {
  LayerRule rule = LayerRule::top_k;
  std::size_t min_k = 1, max_k = 1;
  calibration::Statistic statistic =
      calibration::Statistic::logit;     ///< what the critical logits are compared with
  std::vector<float> critical_logits{};  ///< [groups, num_experts], groups = 1 or num_experts
  std::size_t groups = 0;
  std::vector<double> expert_nulls{};  ///< of kernels/expert_nulls.h; empty where pooled
  double temperature = 1.0;
  kernels::WeightScale weight_scale = kernels::WeightScale::none;
  std::size_t own_top_k = 0;
};

/// Errors: those of make_policy; a layer that the table lacks; a rule whose critical values depend
/// on the token (storey, bky, hc..., the rivals other than fixed counts), which has no such
/// program.
Result<LayerProgram> layer_program(
    const PolicySpec& spec, const RouterFacts& facts,
    const std::shared_ptr<const calibration::CalibrationTable>& table, int layer);

/// The row width of the decisions of a layer. Errors: top_k_per_layer has no count for it.
Result<std::size_t> max_k_of_layer(const PolicySpec& spec, int layer);

}  // namespace bhroute::routing
