#include "bhroute/core/log.h"

#include <nanobind/stl/function.h>

#include "bind.h"

namespace bhroute::python {
namespace {

/// The sink outlives the interpreter, so what it calls is never released.
void set_sink(nb::object sink) {
  if (sink.is_none()) return set_log_sink({});
  PyObject* callable = sink.release().ptr();
  set_log_sink([callable](Severity severity, std::string_view message) {
    nb::gil_scoped_acquire gil;
    try {
      const nb::handle target(callable);
      target(severity == Severity::warning ? "warning" : "info",
             nb::str(message.data(), message.size()));
    } catch (nb::python_error& error) {
      error.discard_as_unraisable("bhroute's log");
    }
  });
}

}  // namespace

void bind_log(nb::module_& m) {
  m.def("set_log", &set_sink, nb::arg("sink").none(),
        nb::sig("def set_log(sink: typing.Callable[[str, str], object] | None) -> None"),
        "Gives every message of the library to sink(severity, message), severity \"info\" or "
        "\"warning\"; None = silence. "
        "By default they go to logging's logger \"bhroute\".");
}

}  // namespace bhroute::python
