#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/string_view.h>

namespace bhroute::python {

namespace nb = nanobind;

void bind_log(nb::module_& m);
void bind_isa(nb::module_& m);
void bind_stats(nb::module_& m);
void bind_calibration_table(nb::module_& m);
void bind_calibrator(nb::module_& m);
void bind_routing_decision(nb::module_& m);
void bind_policy(nb::module_& m);
void bind_layer_program(nb::module_& m);

}  // namespace bhroute::python
