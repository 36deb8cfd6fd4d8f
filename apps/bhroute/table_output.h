#pragma once
// A calibration table that was written, as a person and as a program reads it.

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "bhroute/calibration/calibration_table.h"

namespace bhroute::cli {

std::string table_summary(const calibration::CalibrationTable& table, const std::string& path);
nlohmann::json table_json(const calibration::CalibrationTable& table, const std::string& path);

}  // namespace bhroute::cli
