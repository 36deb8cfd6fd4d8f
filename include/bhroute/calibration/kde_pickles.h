#pragma once
// The original system's tables: distribution_model_layer_<i>.pkl, each {'x': float64[G], 'cdf': float64[G]}.

#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

#include "bhroute/calibration/calibration_table.h"

namespace bhroute::calibration {

/// Reads every layer file in `dir`; any number of layers. `expected_layers` are the model's own indices of its MoE
/// layers; empty = not known, then every layer from 0 to the last file's. Layers that are missing, and files of layers
/// that were not expected, are named in a warning each. Says "Loaded 16 of 16 layers from DIR" through the log.
/// Errors: no layer file at all, or one that is damaged or fails GriddedCdf's checks (named).
Result<CalibrationTable> import_kde(const std::filesystem::path& dir, const std::vector<int>& expected_layers = {});

/// import_kde through a process-wide cache keyed by path, content (SHA-256) and expected layers. Thread-safe.
Result<std::shared_ptr<const CalibrationTable>> load_kde(const std::filesystem::path& dir,
                                                         const std::vector<int>& expected_layers = {});

/// One pickle a layer. A table without grids is gridded at its own counted values first (its gridded form).
/// Errors: a per-expert table; a folder that cannot be written.
Result<void> export_kde(const CalibrationTable& table, const std::filesystem::path& dir);

/// $BHROUTE_KDE_DIR, ./kde_models/models, ../kde_models/models, in that order.
std::vector<std::filesystem::path> kde_search_path();
/// The first place of the search path that holds a layer file.
std::optional<std::filesystem::path> find_kde_folder();
/// The log's key of the warning that there is no table: whoever sees it first says it, once a process.
inline constexpr std::string_view kNoTableWarning = "no table";
/// That folder's table by load_kde; nullptr, with one warning that names the places, where there is none.
Result<std::shared_ptr<const CalibrationTable>> find_kde_table(const std::vector<int>& expected_layers = {});

}  // namespace bhroute::calibration
