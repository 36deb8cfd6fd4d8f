#pragma once
// The library's errors as Python's: invalid_input is ValueError, failure RuntimeError, with the
// library's one line.

#include <nanobind/nanobind.h>

#include "bhroute/core/error.h"

namespace bhroute::python {

namespace nb = nanobind;

[[noreturn]] inline void raise(const Error& error) {
  const std::string line = to_string(error);
  if (error.kind == ErrorKind::invalid_input) throw nb::value_error(line.c_str());
  throw std::runtime_error(line);
}

template <class T>
T value_or_raise(Result<T> result) {
  if (!result) raise(result.error());
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

}  // namespace bhroute::python
