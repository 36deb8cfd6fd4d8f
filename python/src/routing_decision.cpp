#include "bhroute/routing/routing_decision.h"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/vector.h>

#include "arrays.h"
#include "bind.h"
#include "decisions.h"

namespace bhroute::python {
namespace {

const Decision& of(nb::handle self) { return nb::cast<const Decision&>(self); }

Output<double> p_values(nb::handle self) {
  const Stats& s = nb::cast<const Stats&>(self);
  return show(s.stats.p_values,
              s.stats.p_values.empty() ? Shape{0} : with_last(s.leading, s.num_experts), self);
}

void bind_stats_of_decision(nb::module_& m) {
  nb::class_<Stats>(
      m, "RoutingStats",
      "The intermediate values of a decision. Leading dimensions are those of the logits.")
      .def_prop_ro("p_values", &p_values, "float64 [..., experts]; empty where the rule tests none")
      .def_prop_ro(
          "critical_values",
          [](nb::handle self) {
            const auto& values = nb::cast<const Stats&>(self).stats.critical_values;
            return show(values, {values.size()}, self);
          },
          "float64 [experts], c_k at [k-1]; empty where there are none")
      .def_prop_ro(
          "selected_mask",
          [](nb::handle self) {
            const Stats& s = nb::cast<const Stats&>(self);
            return show(s.stats.selected_mask, with_last(s.leading, s.num_experts), self);
          },
          "uint8 [..., experts], 1 = selected")
      .def_prop_ro("layer", [](const Stats& s) { return s.stats.layer; })
      .def_prop_ro(
          "table_available", [](const Stats& s) { return s.stats.table_available; },
          "False: the empirical fallback made the p-values");
}

}  // namespace

void bind_routing_decision(nb::module_& m) {
  bind_stats_of_decision(m);
  nb::class_<Decision>(
      m, "RoutingDecision",
      "What routing returns. Arrays are views of it; leading dimensions are those of the logits.")
      .def_prop_ro(
          "expert_ids",
          [](nb::handle self) {
            const Decision& d = of(self);
            return show(d.decision.expert_ids, with_last(d.leading, d.decision.max_k), self);
          },
          "int32 [..., max_k]: p-value ascending, then logit descending, then index; padded with "
          "-1")
      .def_prop_ro(
          "routing_weights",
          [](nb::handle self) {
            const Decision& d = of(self);
            return show(d.decision.routing_weights, with_last(d.leading, d.decision.max_k), self);
          },
          "float32 [..., max_k], 0 in the padding")
      .def_prop_ro(
          "num_selected",
          [](nb::handle self) {
            return show(of(self).decision.num_selected, of(self).leading, self);
          },
          "int32 [...]")
      .def_prop_ro(
          "dense_routing_weights",
          [](nb::handle self) -> std::optional<Output<float>> {
            const Decision& d = of(self);
            if (!d.has_dense) return {};
            return show(d.decision.dense_routing_weights,
                        with_last(d.leading, d.decision.num_experts), self);
          },
          "float32 [..., experts], or None if not asked for")
      .def_prop_ro(
          "stats",
          [](const Decision& d) -> std::optional<Stats> {
            if (!d.decision.stats) return {};
            return Stats{*d.decision.stats, d.leading, d.decision.num_experts};
          },
          "The intermediate values, or None if not asked for")
      .def_prop_ro("num_nan_logits", [](const Decision& d) { return d.decision.num_nan_logits; })
      .def_prop_ro(
          "unroutable_tokens", [](const Decision& d) { return d.decision.unroutable_tokens; },
          "Tokens whose every logit is NaN.");
}

}  // namespace bhroute::python
