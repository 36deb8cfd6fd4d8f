#include "bhroute/routing/policy.h"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/vector.h>

#include <nlohmann/json.hpp>

#include "arrays.h"
#include "bhroute/routing/multi_k.h"
#include "bhroute/routing/policy_table.h"
#include "bind.h"
#include "decisions.h"
#include "errors.h"
#include "policies.h"

namespace bhroute::python {
namespace {

using routing::PolicySpec;

/// A JSON object, as bhroute.Policy makes one of a dict; else what parse_policy reads.
PolicySpec read_spec(std::string_view text) {
  if (!text.starts_with('{')) return value_or_raise(routing::parse_policy(text));
  const auto json = nlohmann::json::parse(text, nullptr, false);
  return value_or_raise(routing::policy_from_json(json));
}

/// The table given, or the one that the policy names.
std::shared_ptr<const calibration::CalibrationTable> table_for(const PolicySpec& spec,
                                                               const std::optional<Table>& table) {
  return table ? table->table : value_or_raise(routing::open_policy_table(spec));
}

void create(BoundPolicy* self, std::string_view spec_text, std::size_t num_experts,
            std::size_t top_k, bool normalizes_weights, const std::optional<Table>& table,
            bool reference) {
  const PolicySpec spec = read_spec(spec_text);
  const routing::RouterFacts facts{num_experts, top_k, normalizes_weights};
  auto opened = table_for(spec, table);
  auto policy = reference ? routing::make_reference_policy(spec, facts, opened)
                          : routing::make_policy(spec, facts, opened);
  new (self) BoundPolicy{value_or_raise(std::move(policy)), std::move(opened)};
}

Decision route(const BoundPolicy& self, const AnyArray& logits, int layer, bool dense_weights,
               bool stats, bool allow_unroutable) {
  const LogitsArgument argument = read_logits(logits);
  Decision decision;
  Result<void> done;
  {
    nb::gil_scoped_release free;
    done = self.policy->route(argument.view, layer, {dense_weights, stats, allow_unroutable},
                              decision.decision);
  }
  value_or_raise(std::move(done));
  decision.leading = argument.leading;
  decision.has_dense = dense_weights;
  return decision;
}

std::vector<Decision> route_multi_k(const BoundPolicy& self, const AnyArray& logits,
                                    const std::vector<std::size_t>& max_ks, int layer) {
  const LogitsArgument argument = read_logits(logits);
  auto made = value_or_raise(routing::run_bh_multi_k(argument.view, layer, self.policy->spec(),
                                                     self.policy->facts(), self.table, max_ks));
  std::vector<Decision> decisions;
  for (auto& one : made) decisions.push_back({std::move(one), argument.leading, false});
  return decisions;
}

std::size_t max_k(const BoundPolicy& self, int layer) {
  return value_or_raise(routing::max_k_of_layer(self.policy->spec(), layer));
}

}  // namespace

void bind_policy(nb::module_& m) {
  m.def(
      "canonical_policy",
      [](std::string_view text) { return routing::to_json(read_spec(text)).dump(); },
      nb::arg("policy"), "The policy's JSON object, as text.");
  nb::class_<BoundPolicy>(m, "BoundPolicy", nb::is_weak_referenceable(),
                          "A rule with its parameters, bound to a model and a table. Immutable; "
                          "route() may run in several threads.")
      .def("__init__", &create, nb::arg("policy"), nb::kw_only(), nb::arg("num_experts"),
           nb::arg("top_k"), nb::arg("normalizes_weights") = false, nb::arg("table") = nb::none(),
           nb::arg("reference") = false)
      .def_prop_ro("spec_json",
                   [](const BoundPolicy& p) { return routing::to_json(p.policy->spec()).dump(); })
      .def_prop_ro(
          "rule",
          [](const BoundPolicy& p) { return std::string(to_string(p.policy->spec().rule)); })
      .def_prop_ro("num_experts",
                   [](const BoundPolicy& p) { return p.policy->facts().num_experts; })
      .def_prop_ro(
          "top_k", [](const BoundPolicy& p) { return p.policy->facts().top_k; }, "The model's own.")
      .def_prop_ro("normalizes_weights",
                   [](const BoundPolicy& p) { return p.policy->facts().normalizes_weights; })
      .def_prop_ro("table",
                   [](const BoundPolicy& p) -> std::optional<Table> {
                     if (p.table == nullptr) return {};
                     return Table{p.table};
                   })
      .def("max_k", &max_k, nb::arg("layer") = 0, "The row width of a layer's decisions.")
      .def("route", &route, nb::arg("logits"), nb::arg("layer") = 0, nb::kw_only(),
           nb::arg("dense_weights") = false, nb::arg("stats") = false,
           nb::arg("allow_unroutable") = false,
           "Routes float32 logits [tokens, experts] or [batch, seq, experts]. allow_unroutable: a "
           "token of NaNs is left empty instead of an error.")
      .def("run_bh_multi_k", &route_multi_k, nb::arg("logits"), nb::arg("max_ks"),
           nb::arg("layer") = 0, "One decision for each max_k from one pass of p-values.");
}

}  // namespace bhroute::python
