#include "bhroute/calibration/open_table.h"

#include "bhroute/calibration/calibration_file.h"
#include "bhroute/calibration/kde_pickles.h"

namespace bhroute::calibration {

Result<std::shared_ptr<const CalibrationTable>> open_table(
    const std::filesystem::path& path, const std::vector<int>& expected_layers) {
  std::error_code ignored;
  return std::filesystem::is_directory(path, ignored) ? load_kde(path, expected_layers)
                                                      : load_table(path);
}

}  // namespace bhroute::calibration
