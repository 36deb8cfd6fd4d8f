#include "testing_policy.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <span>

#include "bhroute/calibration/kde_pickles.h"
#include "bhroute/core/log.h"
#include "compiled_layer.h"
#include "p_values.h"
#include "per_expert_step_up.h"
#include "reference_policy.h"
#include "route_by_reference.h"
#include "routing_rows.h"
#include "rule_procedure.h"
#include "selecting_policy.h"

namespace bhroute::routing {
namespace {

/// A thread's working memory, kept from call to call so that route() allocates nothing.
struct ThreadScratch {
  std::vector<float> statistic;
  PerExpertStepUp step_up;
};

ThreadScratch& thread_scratch() {
  thread_local ThreadScratch scratch;
  return scratch;
}

/// Once where there is no table, once a table for all layers that it lacks.
void warn_of_fallback(int layer, const calibration::CalibrationTable* table) {
  constexpr const char* kSoWhat = "p-values are ranks among the rows of one call only";
  if (table == nullptr)
    return log_warning_once(calibration::kNoTableWarning,
                            fmt::format("no calibration table, so {}", kSoWhat));
  log_warning_once(
      fmt::format("table {} lacks a layer", fmt::ptr(table)),
      fmt::format("layer {}: not in the calibration table, so its {} (said once for all layers)",
                  layer, kSoWhat));
}

class TestingPolicy final : public SelectingPolicy {
 public:
  TestingPolicy(const PolicySpec& spec, const RouterFacts& facts,
                std::shared_ptr<const calibration::CalibrationTable> table,
                std::optional<int> only_layer)
      : SelectingPolicy(spec, facts, std::move(table)),
        reference_(new_reference_policy(spec, facts, table_)) {
    if (table_ == nullptr) return;
    for (const auto& [layer, null] : table_->layers)
      if (!only_layer || layer == *only_layer) compile(layer, null);
  }

  Result<void> route(LogitsView logits, int layer, const RouteRequest& request,
                     RoutingDecision& decision) const override {
    if (layers_.contains(layer)) return SelectingPolicy::route(logits, layer, request, decision);
    if (table_ == nullptr || table_->layer(layer) == nullptr) warn_of_fallback(layer, table_.get());
    return route_by_reference(*reference_, *specs_.of(layer).value(), logits, layer, request,
                              decision);
  }

 private:
  void compile(int layer, const calibration::LayerNull& null) {
    const PolicySpec& spec = *specs_.of(layer).value();
    const auto test = stats::step_test(procedure_of(spec), facts_.num_experts);
    if (test) layers_.emplace(layer, compile_layer(null, *test, spec.clamp_p_values));
  }

  void select(const PolicySpec& spec, int layer, LogitsView logits,
              RoutingDecision& decision) const override {
    const CompiledLayer& compiled = layers_.at(layer);
    const float* statistic = statistic_of(logits);
    const auto inputs = kernel_inputs(logits, statistic, spec, facts_);
    if (compiled.pooled()) {
      const bool down = compiled.direction == stats::Direction::down;
      (down ? kernels::route_step_down : kernels::route_step_up)(
          inputs, compiled.critical_logits.data(), spec.min_k, spec.max_k,
          kernel_outputs(decision));
    } else {
      select_per_expert(spec, logits, statistic, compiled, decision);
      kernels::weigh_selected(inputs, spec.max_k, kernel_outputs(decision));
    }
  }

  /// Null if the logits themselves are tested.
  const float* statistic_of(LogitsView logits) const {
    if (table_->metadata.statistic == calibration::Statistic::logit) return nullptr;
    auto& statistic = thread_scratch().statistic;
    batch_statistic(table_->metadata.statistic, logits, statistic);
    return statistic.data();
  }

  void select_per_expert(const PolicySpec& spec, LogitsView logits, const float* statistic,
                         const CompiledLayer& layer, RoutingDecision& decision) const {
    const PerExpertStepUp::Bounds bounds{spec.min_k, spec.max_k, spec.clamp_p_values};
    const std::size_t n = logits.num_experts;
    for (std::size_t t = 0; t < logits.num_tokens; ++t) {
      const auto row = logits.token(t);
      const auto tested = statistic == nullptr ? row : std::span(statistic + t * n, n);
      const auto ids = std::span(decision.expert_ids).subspan(t * spec.max_k, spec.max_k);
      const std::size_t num = thread_scratch().step_up.select(row, tested, layer, bounds, ids);
      std::fill(ids.begin() + static_cast<std::ptrdiff_t>(num), ids.end(), -1);
      decision.num_selected[t] = static_cast<std::int32_t>(num);
    }
  }

  std::unique_ptr<Policy> reference_;
  std::map<int, CompiledLayer> layers_;
};

}  // namespace

std::unique_ptr<Policy> new_testing_policy(
    const PolicySpec& spec, const RouterFacts& facts,
    std::shared_ptr<const calibration::CalibrationTable> table, std::optional<int> only_layer) {
  return std::make_unique<TestingPolicy>(spec, facts, std::move(table), only_layer);
}

}  // namespace bhroute::routing
