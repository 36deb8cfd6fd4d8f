#pragma once
// The original system's own tables, where the folder named by BHROUTE_SEED_TABLES holds them.

#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>

#include "bhroute/calibration/kde_pickles.h"

namespace bhroute::testing {

/// Null if the variable is not set: the test skips.
inline std::shared_ptr<const calibration::CalibrationTable> original_tables() {
  const char* folder = std::getenv("BHROUTE_SEED_TABLES");
  if (folder == nullptr) return nullptr;
  auto table = calibration::import_kde(folder);
  EXPECT_TRUE(table.has_value());
  return table ? std::make_shared<const calibration::CalibrationTable>(std::move(*table)) : nullptr;
}

}  // namespace bhroute::testing
