#include "dumped_logits.h"

#include <charconv>
#include <filesystem>
#include <map>
#include <optional>

#include "bhroute/core/npy.h"
#include "bhroute/core/stop.h"

namespace bhroute::cli {
namespace {

namespace fs = std::filesystem;
using calibration::CalibrationTable;
using calibration::Calibrator;

std::optional<int> layer_of(const std::string& name) {
  constexpr std::string_view prefix = "layer_", suffix = ".npy";
  if (name.size() <= prefix.size() + suffix.size()) return {};
  if (!name.starts_with(prefix) || !name.ends_with(suffix)) return {};
  const std::string_view digits =
      std::string_view(name).substr(prefix.size(), name.size() - prefix.size() - suffix.size());
  int layer = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), layer);
  if (error != std::errc{} || end != digits.data() + digits.size() || layer < 0) return {};
  if (digits != std::to_string(layer)) return {};  // layer_01 would be a second layer_1
  return layer;
}

Result<std::map<int, fs::path>> find_layers(const std::string& folder) {
  std::error_code error;
  std::map<int, fs::path> layers;
  for (auto it = fs::directory_iterator(folder, error); !error && it != fs::directory_iterator();
       it.increment(error))
    if (const auto layer = layer_of(it->path().filename().string()))
      layers.emplace(*layer, it->path());
  if (error) return invalid_input(folder, "cannot read the folder: " + error.message());
  if (layers.empty())
    return invalid_input(folder, "no dumped logits", "no layer_<i>.npy", "a file a layer");
  return layers;
}

Result<std::vector<Calibrator>> make_calibrators(
    const std::vector<calibration::CalibrationOptions>& options, std::size_t num_experts,
    std::size_t top_k) {
  std::vector<Calibrator> calibrators;
  for (const auto& one : options) {
    auto calibrator = Calibrator::create(one, num_experts, top_k);
    if (!calibrator) return tl::make_unexpected(calibrator.error());
    calibrators.push_back(std::move(*calibrator));
  }
  return calibrators;
}

// The first layer tells the number of experts; the calibrators hold every other layer to it.
Result<void> add_layer(int layer, const fs::path& path,
                       const std::vector<calibration::CalibrationOptions>& options,
                       std::size_t top_k, std::vector<Calibrator>& calibrators) {
  const auto in_file = [&](Error error) {
    if (error.where.find(path.string()) == std::string::npos)
      error.where = path.string() + ": " + error.where;
    return error;
  };
  const auto array = read_npy(path, check_logits_shape);
  if (!array) return tl::make_unexpected(in_file(array.error()));
  const auto logits = view_logits(array->values, array->shape);
  if (!logits) return tl::make_unexpected(in_file(logits.error()));
  if (calibrators.empty()) {
    auto made = make_calibrators(options, logits->num_experts, top_k);
    if (!made) return tl::make_unexpected(made.error());
    calibrators = std::move(*made);
  }
  for (Calibrator& calibrator : calibrators)
    if (auto ok = calibrator.add(layer, *logits); !ok)
      return tl::make_unexpected(in_file(ok.error()));
  return {};
}

}  // namespace

Result<std::vector<CalibrationTable>> calibrate_dumps(
    const std::string& folder, std::size_t top_k,
    const std::vector<calibration::CalibrationOptions>& options,
    const calibration::TableMetadata& metadata, ProgressSink& progress) {
  const auto layers = find_layers(folder);
  if (!layers) return tl::make_unexpected(layers.error());
  std::vector<Calibrator> calibrators;
  std::size_t done = 0;
  for (const auto& [layer, path] : *layers) {
    progress.update("calibrate", done++, layers->size(), "layers");
    if (auto go_on = check_stop(); !go_on) return tl::make_unexpected(go_on.error());
    if (auto ok = add_layer(layer, path, options, top_k, calibrators); !ok)
      return tl::make_unexpected(ok.error());
  }
  progress.update("calibrate", layers->size(), layers->size(), "layers");
  std::vector<CalibrationTable> tables;
  for (const Calibrator& calibrator : calibrators) {
    auto table = calibrator.finish(metadata);
    if (!table) return tl::make_unexpected(table.error());
    tables.push_back(std::move(*table));
  }
  return tables;
}

}  // namespace bhroute::cli
