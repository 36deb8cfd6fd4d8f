// What the operator of bhroute.torch is made of: a layer's program for the GPU's kernel, and a call
// on raw memory for the CPU.

#include "bhroute/routing/layer_program.h"

#include <nanobind/stl/optional.h>

#include <bit>

#include "arrays.h"
#include "bhroute/kernels/compressed_rows.h"
#include "bind.h"
#include "errors.h"
#include "policies.h"

namespace bhroute::python {
namespace {

using kernels::Unselected;
using routing::LayerProgram;

enum class ElementType { float32, bf16, f16 };

float from_bf16(std::uint16_t bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

float from_f16(std::uint16_t bits) {
  const std::uint32_t sign = (bits & 0x8000u) << 16, magnitude = bits & 0x7fffu;
  if (magnitude >= 0x7c00u)  // infinite or NaN
    return std::bit_cast<float>(sign | 0x7f800000u | (magnitude & 0x3ffu) << 13);
  // As if the exponent were wider by 112: exact for denormals too.
  return std::bit_cast<float>(
      sign | std::bit_cast<std::uint32_t>(std::bit_cast<float>(magnitude << 13) * 0x1p112f));
}

/// What the operator passes: addresses that it vouches for. Optional outputs are 0.
struct RawCall {
  std::uintptr_t logits = 0;
  ElementType type = ElementType::float32;
  std::size_t num_tokens = 0, token_stride = 0;
  Unselected unselected = Unselected::minus_one;
  std::uintptr_t expert_ids = 0, routing_weights = 0, num_selected = 0;
  std::uintptr_t dense = 0, counts = 0, offsets = 0, pairs = 0;
};

/// float32 rows: the caller's, or widened into memory that the thread keeps.
LogitsView widened(const RawCall& call, std::size_t num_experts) {
  if (call.type == ElementType::float32)
    return {reinterpret_cast<const float*>(call.logits), call.num_tokens, num_experts,
            call.token_stride};
  thread_local std::vector<float> rows;
  rows.resize(call.num_tokens * num_experts);
  const auto* bits = reinterpret_cast<const std::uint16_t*>(call.logits);
  for (std::size_t t = 0; t < call.num_tokens; ++t)
    for (std::size_t e = 0; e < num_experts; ++e) {
      const std::uint16_t value = bits[t * call.token_stride + e];
      rows[t * num_experts + e] =
          call.type == ElementType::bf16 ? from_bf16(value) : from_f16(value);
    }
  return {rows.data(), call.num_tokens, num_experts, num_experts};
}

template <class T>
T* at(std::uintptr_t address) {
  return reinterpret_cast<T*>(address);
}

template <class T>
void copy_out(const std::vector<T>& values, std::uintptr_t address) {
  std::copy(values.begin(), values.end(), at<T>(address));
}

void write_outputs(const RawCall& call, const routing::RoutingDecision& d) {
  copy_out(d.expert_ids, call.expert_ids);
  copy_out(d.routing_weights, call.routing_weights);
  copy_out(d.num_selected, call.num_selected);
  if (call.dense != 0) copy_out(d.dense_routing_weights, call.dense);
  const std::int32_t *num = d.num_selected.data(), *ids = d.expert_ids.data();
  if (call.counts != 0)
    kernels::count_experts(d.num_tokens, d.max_k, d.num_experts, num, ids,
                           at<std::int32_t>(call.counts));
  if (call.offsets != 0)
    kernels::compress_rows(d.num_tokens, d.max_k, d.num_experts, num, ids,
                           at<std::int32_t>(call.offsets), at<std::int32_t>(call.pairs));
  if (call.unselected != Unselected::minus_one)
    kernels::fill_unselected(call.unselected, d.num_tokens, d.max_k, d.num_experts, num,
                             at<std::int32_t>(call.expert_ids));
}

void route_raw(const BoundPolicy& policy, int layer, std::uintptr_t logits, int type,
               std::size_t num_tokens, std::size_t token_stride, int unselected,
               std::uintptr_t expert_ids, std::uintptr_t routing_weights,
               std::uintptr_t num_selected, std::uintptr_t dense, std::uintptr_t counts,
               std::uintptr_t offsets, std::uintptr_t pairs) {
  const RawCall call{logits,
                     static_cast<ElementType>(type),
                     num_tokens,
                     token_stride,
                     static_cast<Unselected>(unselected),
                     expert_ids,
                     routing_weights,
                     num_selected,
                     dense,
                     counts,
                     offsets,
                     pairs};
  thread_local routing::RoutingDecision decision;  // keeps its memory from call to call
  Result<void> done;
  {
    nb::gil_scoped_release free;
    const LogitsView view = widened(call, policy.policy->facts().num_experts);
    done = policy.policy->route(view, layer,
                                {.dense_weights = dense != 0, .allow_unroutable = true}, decision);
    if (done) write_outputs(call, decision);
  }
  value_or_raise(std::move(done));
}

LayerProgram program_of(const BoundPolicy& policy, int layer) {
  return value_or_raise(
      routing::layer_program(policy.policy->spec(), policy.policy->facts(), policy.table, layer));
}

const char* name(routing::LayerRule rule) {
  switch (rule) {
    case routing::LayerRule::top_k:
      return "top_k";
    case routing::LayerRule::step_up:
      return "step_up";
    case routing::LayerRule::step_down:
      return "step_down";
  }
  return "";
}

const char* name(kernels::WeightScale scale) {
  switch (scale) {
    case kernels::WeightScale::none:
      return "none";
    case kernels::WeightScale::one:
      return "one";
    case kernels::WeightScale::mass:
      return "mass";
  }
  return "";
}

}  // namespace

void bind_layer_program(nb::module_& m) {
  nb::class_<LayerProgram>(m, "LayerProgram",
                           "A policy on one layer, as a kernel on another device needs it.")
      .def_prop_ro(
          "rule", [](const LayerProgram& p) { return name(p.rule); }, "top_k, step_up or step_down")
      .def_ro("min_k", &LayerProgram::min_k)
      .def_ro("max_k", &LayerProgram::max_k)
      .def_prop_ro("statistic",
                   [](const LayerProgram& p) { return std::string(to_string(p.statistic)); })
      .def_prop_ro(
          "critical_logits",
          [](nb::handle self) -> std::optional<Output<float>> {
            const auto& p = nb::cast<const LayerProgram&>(self);
            if (p.groups == 0) return {};
            return show(p.critical_logits, {p.groups, p.critical_logits.size() / p.groups}, self);
          },
          "float32 [1 or experts, experts]; None for top_k")
      .def_prop_ro(
          "expert_nulls",
          [](nb::handle self) -> std::optional<Output<double>> {
            const auto& p = nb::cast<const LayerProgram&>(self);
            if (p.expert_nulls.empty()) return {};
            return show(p.expert_nulls, {p.expert_nulls.size()}, self);
          },
          "float64, one null an expert as the GPU's kernel reads them; None where pooled")
      .def_ro("temperature", &LayerProgram::temperature)
      .def_prop_ro(
          "weight_scale", [](const LayerProgram& p) { return name(p.weight_scale); },
          "none, one or mass")
      .def_ro("own_top_k", &LayerProgram::own_top_k);
  m.def("layer_program", &program_of, nb::arg("policy"), nb::arg("layer") = 0);
  m.def("route_raw", &route_raw, nb::arg("policy"), nb::arg("layer"), nb::arg("logits"),
        nb::arg("type"), nb::arg("num_tokens"), nb::arg("token_stride"), nb::arg("unselected"),
        nb::arg("expert_ids"), nb::arg("routing_weights"), nb::arg("num_selected"),
        nb::arg("dense"), nb::arg("counts"), nb::arg("offsets"), nb::arg("pairs"),
        "The operator's call on addresses; type 0 float32, 1 bf16, 2 f16; unselected 0: -1, 1: "
        "num_experts, 2: distinct ids; 0 = output not wanted.");
}

}  // namespace bhroute::python
