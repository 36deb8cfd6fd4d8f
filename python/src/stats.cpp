// Multiple testing on arrays of p-values: bhroute/stats.

#include <fmt/format.h>
#include <nanobind/stl/vector.h>

#include "arrays.h"
#include "bhroute/stats/clamp.h"
#include "bhroute/stats/empirical.h"
#include "bhroute/stats/procedure.h"
#include "bind.h"
#include "errors.h"

namespace bhroute::python {
namespace {

using PValues = nb::ndarray<const double, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

stats::TestResult run_test(std::string_view procedure, PValues p_values, double alpha,
                           double lambda, double kappa, double beta) {
  const auto made = value_or_raise(stats::make_procedure(procedure, {alpha, lambda, kappa, beta}));
  nb::gil_scoped_release free;
  return stats::run(made, {p_values.data(), p_values.size()});
}

template <auto member>
auto field(nb::handle self) {
  const auto& values = nb::cast<const stats::TestResult&>(self).*member;
  return show(values, {values.size()}, self);
}

Output<double> critical_values(std::size_t num_hypotheses, double alpha) {
  if (!(alpha > 0.0 && alpha < 1.0))
    throw nb::value_error(
        fmt::format("alpha: out of bounds, got {}, want 0 < alpha < 1", alpha).c_str());
  return hand_over(stats::bh_critical_values(num_hypotheses, alpha), {num_hypotheses});
}

/// The fallback's p-values of logits [tokens, experts].
Output<double> empirical(const AnyArray& logits) {
  const LogitsArgument argument = read_logits(logits);
  std::vector<double> values;
  for (std::size_t t = 0; t < argument.view.num_tokens; ++t)
    values.insert(values.end(), argument.view.token(t).begin(), argument.view.token(t).end());
  return hand_over(
      stats::empirical_p_values(values, argument.view.num_tokens, argument.view.num_experts),
      with_last(argument.leading, argument.view.num_experts));
}

}  // namespace

void bind_stats(nb::module_& m) {
  nb::class_<stats::TestResult>(
      m, "TestResult",
      "Every intermediate value of one multiple-testing procedure over N p-values.")
      .def_prop_ro("p_values", &field<&stats::TestResult::p_values>, "float64 [N], as given")
      .def_prop_ro("order", &field<&stats::TestResult::order>, "uint64 [N]: hypotheses by rising p")
      .def_prop_ro("critical_values", &field<&stats::TestResult::critical_values>,
                   "float64 [N], c_k at [k-1]; empty where there are none")
      .def_prop_ro("adjusted_p_values", &field<&stats::TestResult::adjusted_p_values>,
                   "float64 [N]; empty where there are none")
      .def_prop_ro("scores", &field<&stats::TestResult::scores>,
                   "e-values or HC(i) by rank; else empty")
      .def_prop_ro("mask", &field<&stats::TestResult::mask>, "uint8 [N], 1 = rejected")
      .def_ro("num_rejections", &stats::TestResult::num_rejections);
  m.def("test", &run_test, nb::arg("procedure"), nb::arg("p_values"), nb::kw_only(),
        nb::arg("alpha") = 0.05, nb::arg("lambda_") = 0.5, nb::arg("kappa") = 0.5,
        nb::arg("beta") = 0.5, "Runs one of procedure_names() over p_values [N].");
  m.def(
      "procedure_names", [] { return stats::procedure_names(); }, "bh, by, storey, ...");
  m.def("bh_critical_values", &critical_values, nb::arg("num_hypotheses"), nb::arg("alpha"),
        "c_k = (k/N)*alpha, float64 [N], as statsmodels computes them.");
  m.def("clamp_p_value", &stats::clamp_p_value, nb::arg("p"),
        "p kept in [eps, 1 - eps], eps of float32.");
  m.def("empirical_p_values", &empirical, nb::arg("logits"),
        "The fallback without a table: ranks among the call's tokens (of one token: among its "
        "experts). float64, the shape of logits.");
}

}  // namespace bhroute::python
