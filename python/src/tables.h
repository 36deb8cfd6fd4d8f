#pragma once
// The handles under which Python holds tables: shared, immutable.

#include <memory>

#include "bhroute/calibration/calibration_table.h"

namespace bhroute::python {

struct Table {
  std::shared_ptr<const calibration::CalibrationTable> table;
};

struct Null {
  std::shared_ptr<const calibration::CalibrationTable> table;  // keeps `null` alive
  const calibration::NullDistribution* null;
};

}  // namespace bhroute::python
