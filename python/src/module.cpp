// bhroute._core: the library's concepts for Python, one file each, named as the header it binds.

#include "bhroute/core/version.h"
#include "bind.h"

NB_MODULE(_core, m) {
  using namespace bhroute::python;
  m.doc() = "Bindings of the C++ library; import bhroute instead.";
  m.def(
      "version", [] { return std::string(bhroute::version()); }, "The library's version.");
  bind_log(m);
  bind_isa(m);
  bind_stats(m);
  bind_calibration_table(m);
  bind_calibrator(m);
  bind_routing_decision(m);
  bind_policy(m);
  bind_layer_program(m);
}
