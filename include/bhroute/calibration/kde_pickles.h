#pragma once
// The original system's tables: distribution_model_layer_<i>.pkl, each {'x': float64[G], 'cdf': float64[G]}.

#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

#include "bhroute/calibration/calibration_table.h"

namespace bhroute::calibration {

/// Reads every layer file in `dir`; any number of layers. Missing layers between the first and the last (or below
/// `expected_layers`, if not 0) are named in a warning. Says "Loaded 16 of 16 layers from DIR" through the log.
/// Errors: no layer file at all, or one that is damaged or fails GriddedCdf's checks (named).
Result<CalibrationTable> import_kde(const std::filesystem::path& dir, std::size_t expected_layers = 0);

/// One pickle a layer. A table without grids is gridded at its own counted values first (its gridded form).
/// Errors: a per-expert table; a folder that cannot be written.
Result<void> export_kde(const CalibrationTable& table, const std::filesystem::path& dir);

/// $BHROUTE_KDE_DIR, ./kde_models/models, ../kde_models/models, in that order.
std::vector<std::filesystem::path> kde_search_path();
/// The first place of the search path that holds a layer file.
std::optional<std::filesystem::path> find_kde_folder();
/// That folder's table, imported (cached by path and content);
/// nullptr, with one warning that names the places, where there is none.
Result<std::shared_ptr<const CalibrationTable>> find_kde_table(std::size_t expected_layers = 0);

}  // namespace bhroute::calibration
