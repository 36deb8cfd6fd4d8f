#pragma once
// What `bhroute calibrate` measures: the flags, and the option sets they stand for.

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "bhroute/calibration/calibrator.h"

namespace bhroute::cli {

struct CalibrationFlags {
  std::vector<std::string> nulls;  ///< none = "all"
  std::string statistic = "logit", form = "", resolution = "float32";
  std::string smoothing_kernel = "none", bandwidth = "";
  std::size_t grid_size = 0;  ///< 0 = the default
  std::size_t reservoir = 2048;
  std::uint64_t seed = 1;
  bool per_expert = false;
};

void add_calibration_flags(CLI::App& app, CalibrationFlags& flags);
/// One option set a null. Errors: a word that is not known, flags that contradict one another.
Result<std::vector<calibration::CalibrationOptions>> calibration_options(
    const CalibrationFlags& flags);

}  // namespace bhroute::cli
