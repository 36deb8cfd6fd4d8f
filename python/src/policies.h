#pragma once
// A policy as Python holds it: bound to a model and a table, for any layer.

#include <map>
#include <memory>
#include <optional>
#include <variant>

#include "bhroute/routing/layer_program.h"
#include "bhroute/routing/policy.h"
#include "tables.h"

namespace bhroute::python {

struct BoundPolicy {
  std::shared_ptr<const routing::Policy> policy;
  std::shared_ptr<const calibration::CalibrationTable> table;
};

}  // namespace bhroute::python
