#include "bh_policy.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <span>

#include "bhroute/core/log.h"
#include "compiled_layer.h"
#include "p_values.h"
#include "per_expert_step_up.h"
#include "reference_policy.h"
#include "routing_rows.h"

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

void warn_of_fallback(int layer, bool has_table) {
  log_warning_once(
      fmt::format("bh fallback {} {}", has_table, layer),
      fmt::format("layer {}: {}, so its p-values are ranks among the rows of one call only", layer,
                  has_table ? "not in the calibration table" : "no calibration table"));
}

class BhPolicy final : public Policy {
 public:
  BhPolicy(const PolicySpec& spec, const RouterFacts& facts,
           std::shared_ptr<const calibration::CalibrationTable> table,
           std::optional<int> only_layer)
      : spec_(spec),
        facts_(facts),
        table_(std::move(table)),
        reference_(new_reference_policy(spec, facts, table_)) {
    if (table_ == nullptr) return;
    for (const auto& [layer, null] : table_->layers) {
      if (only_layer && layer != *only_layer) continue;
      layers_.emplace(layer,
                      compile_layer(null, facts.num_experts, spec.alpha, spec.clamp_p_values));
    }
  }

  const PolicySpec& spec() const noexcept override { return spec_; }
  const RouterFacts& facts() const noexcept override { return facts_; }

  Result<void> route(LogitsView logits, int layer, const RouteRequest& request,
                     RoutingDecision& decision) const override {
    const auto compiled = layers_.find(layer);
    if (compiled == layers_.end()) return route_by_ranks(logits, layer, request, decision);
    if (auto ok = begin_decision(logits, facts_, spec_.max_k, decision); !ok) return ok;
    const float* statistic = statistic_of(logits);
    const auto inputs = kernel_inputs(logits, statistic, spec_, facts_);
    if (compiled->second.pooled()) {
      kernels::route_step_up(inputs, compiled->second.critical_logits.data(), spec_.min_k,
                             spec_.max_k, kernel_outputs(decision));
    } else {
      select_per_expert(logits, statistic, compiled->second, decision);
      kernels::weigh_selected(inputs, spec_.max_k, kernel_outputs(decision));
    }
    if (request.stats)
      decision.stats = reference_stats(logits, layer, spec_, table_.get(), decision);
    return finish_decision(logits, request, decision);
  }

 private:
  /// Null if the logits themselves are tested.
  const float* statistic_of(LogitsView logits) const {
    if (table_->metadata.statistic == calibration::Statistic::logit) return nullptr;
    auto& statistic = thread_scratch().statistic;
    batch_statistic(table_->metadata.statistic, logits, statistic);
    return statistic.data();
  }

  void select_per_expert(LogitsView logits, const float* statistic, const CompiledLayer& layer,
                         RoutingDecision& decision) const {
    const PerExpertStepUp::Bounds bounds{spec_.min_k, spec_.max_k, spec_.clamp_p_values};
    const std::size_t n = logits.num_experts;
    for (std::size_t t = 0; t < logits.num_tokens; ++t) {
      const auto row = logits.token(t);
      const auto tested = statistic == nullptr ? row : std::span(statistic + t * n, n);
      const auto ids = std::span(decision.expert_ids).subspan(t * spec_.max_k, spec_.max_k);
      const std::size_t num = thread_scratch().step_up.select(row, tested, layer, bounds, ids);
      std::fill(ids.begin() + static_cast<std::ptrdiff_t>(num), ids.end(), -1);
      decision.num_selected[t] = static_cast<std::int32_t>(num);
    }
  }

  /// The fallback: selection by the reference, weights by the kernels as everywhere else.
  Result<void> route_by_ranks(LogitsView logits, int layer, const RouteRequest& request,
                              RoutingDecision& decision) const {
    warn_of_fallback(layer, table_ != nullptr);
    RouteRequest selection = request;
    selection.dense_weights = false;
    if (auto ok = reference_->route(logits, layer, selection, decision); !ok) return ok;
    kernels::weigh_selected(kernel_inputs(logits, nullptr, spec_, facts_), spec_.max_k,
                            kernel_outputs(decision));
    decision.unroutable_tokens.clear();
    return finish_decision(logits, request, decision);
  }

  PolicySpec spec_;
  RouterFacts facts_;
  std::shared_ptr<const calibration::CalibrationTable> table_;
  std::unique_ptr<Policy> reference_;
  std::map<int, CompiledLayer> layers_;
};

}  // namespace

std::unique_ptr<Policy> new_bh_policy(const PolicySpec& spec, const RouterFacts& facts,
                                      std::shared_ptr<const calibration::CalibrationTable> table,
                                      std::optional<int> only_layer) {
  return std::make_unique<BhPolicy>(spec, facts, std::move(table), only_layer);
}

}  // namespace bhroute::routing
