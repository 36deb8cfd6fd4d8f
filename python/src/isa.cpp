#include "bhroute/core/isa.h"

#include <nanobind/stl/vector.h>

#include "bind.h"
#include "errors.h"

namespace bhroute::python {

void bind_isa(nb::module_& m) {
  m.def("supported_isas", &supported_isas,
        "Instruction sets the kernels can use here, best first.");
  m.def("active_isa", &active_isa, "The one the next call uses.");
  m.def(
      "force_isa", [](std::string_view name) { value_or_raise(force_isa(name)); }, nb::arg("name"),
      "Forces one of supported_isas() for the process; \"\" returns to the best.");
}

}  // namespace bhroute::python
