#include "bhroute/routing/layer_program.h"

#include <fmt/format.h>

#include "check_policy.h"
#include "compiled_layer.h"
#include "flat_nulls.h"
#include "layer_specs.h"
#include "routing_rows.h"
#include "rule_procedure.h"

namespace bhroute::routing {
namespace {

LayerProgram weights_of(const PolicySpec& spec, const RouterFacts& facts) {
  LayerProgram program;
  program.temperature = spec.temperature;
  program.weight_scale = weight_scale(spec.weights, facts);
  program.own_top_k = facts.top_k;
  return program;
}

LayerProgram fixed_count(const PolicySpec& spec, const RouterFacts& facts) {
  LayerProgram program = weights_of(spec, facts);
  program.min_k = program.max_k = spec.k;
  return program;
}

Result<LayerProgram> step_test_of(const PolicySpec& spec, const RouterFacts& facts,
                                  const calibration::CalibrationTable* table, int layer) {
  if (!uses_p_values(spec.rule))
    return invalid_input(
        "policy.rule", "needs the whole row of a token, so it has no critical logits",
        std::string(to_string(spec.rule)), "top_k, or a rule with fixed critical values");
  const auto test = stats::step_test(procedure_of(spec), facts.num_experts);
  if (!test)
    return invalid_input("policy.rule", "its critical values depend on the token's p-values",
                         std::string(to_string(spec.rule)), "a rule with fixed critical values");
  const calibration::LayerNull* null = table == nullptr ? nullptr : table->layer(layer);
  if (null == nullptr)
    return invalid_input("table", "has no null distribution of the layer",
                         fmt::format("layer {}", layer), "a table that holds it");
  CompiledLayer compiled = compile_layer(*null, *test, spec.clamp_p_values);
  LayerProgram program = weights_of(spec, facts);
  program.rule =
      test->direction == stats::Direction::down ? LayerRule::step_down : LayerRule::step_up;
  program.min_k = spec.min_k;
  program.max_k = spec.max_k;
  program.statistic = table->metadata.statistic;
  program.groups = null->groups.size();
  program.critical_logits = std::move(compiled.critical_logits);
  if (!compiled.pooled()) program.expert_nulls = flat_nulls(*null, spec.clamp_p_values);
  return program;
}

}  // namespace

Result<LayerProgram> layer_program(
    const PolicySpec& spec, const RouterFacts& facts,
    const std::shared_ptr<const calibration::CalibrationTable>& table, int layer) {
  if (auto ok = check_policy(spec, facts, table.get()); !ok) return tl::make_unexpected(ok.error());
  const LayerSpecs specs(spec);
  const auto own = specs.of(layer);
  if (!own) return tl::make_unexpected(own.error());
  if (is_static(spec.rule)) return fixed_count(**own, facts);
  return step_test_of(**own, facts, table.get(), layer);
}

Result<std::size_t> max_k_of_layer(const PolicySpec& spec, int layer) {
  const LayerSpecs specs(spec);
  return specs.of(layer).map(
      [](const PolicySpec* own) { return is_static(own->rule) ? own->k : own->max_k; });
}

}  // namespace bhroute::routing
