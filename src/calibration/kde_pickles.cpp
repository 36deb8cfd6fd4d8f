#include "bhroute/calibration/kde_pickles.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <numeric>
#include <system_error>

#include "bhroute/calibration/pickle.h"
#include "bhroute/core/file.h"
#include "bhroute/core/file_limits.h"
#include "bhroute/core/log.h"
#include "bhroute/core/sha256.h"
#include "bhroute/core/version.h"
#include "content_cache.h"

namespace bhroute::calibration {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "distribution_model_layer_", kSuffix = ".pkl";
constexpr std::size_t kMaxDigits = 4;  // a layer index; keeps the list of missing layers short

struct LayerFile {
  fs::path path;
  std::string bytes;
};
using LayerFiles = std::map<int, LayerFile>;

std::optional<int> layer_index(std::string_view name) {
  if (!name.starts_with(kPrefix) || !name.ends_with(kSuffix) ||
      name.size() <= kPrefix.size() + kSuffix.size())
    return std::nullopt;
  const std::string_view digits =
      name.substr(kPrefix.size(), name.size() - kPrefix.size() - kSuffix.size());
  int index = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), index);
  if (error != std::errc{} || digits.size() > kMaxDigits || digits != std::to_string(index))
    return std::nullopt;
  return index;
}

std::map<int, fs::path> find_layers(const fs::path& dir) {
  std::map<int, fs::path> found;
  std::error_code error;
  for (fs::directory_iterator it(dir, error), end; !error && it != end; it.increment(error))
    if (const auto index = layer_index(it->path().filename().string()))
      found.emplace(*index, it->path());
  return found;
}

Result<void> check_folder(const fs::path& dir) {
  const auto files = fmt::format("files {}<layer>{}", kPrefix, kSuffix);
  std::error_code ignored;
  if (!fs::exists(dir, ignored))
    return invalid_input(dir.string(), "no such folder", "", "one of " + files);
  if (!fs::is_directory(dir, ignored))
    return invalid_input(dir.string(), "is a file", "", "the folder of " + files);
  return {};
}

Result<LayerFiles> read_layers(const fs::path& dir) {
  if (auto ok = check_folder(dir); !ok) return tl::make_unexpected(ok.error());
  LayerFiles files;
  for (const auto& [index, path] : find_layers(dir)) {
    auto bytes = read_file(path, kMaxPickleBytes);
    if (!bytes) return tl::make_unexpected(std::move(bytes).error());
    files.emplace(index, LayerFile{path, *std::move(bytes)});
  }
  if (files.empty())
    return invalid_input(dir.string(), "no KDE tables found", "",
                         fmt::format("files {}<layer>{}", kPrefix, kSuffix));
  return files;
}

// The one array called `name`.
Result<std::vector<double>> find_array(const PickleDict& dict, std::string_view name,
                                       const std::string& where) {
  const PickleArray* found = nullptr;
  for (const auto& [key, value] : dict.items) {
    const auto* text = std::get_if<std::string>(&key->value);
    if (text == nullptr || *text != name) continue;
    const auto* array = std::get_if<PickleArray>(&value->value);
    if (array == nullptr || array->shape.size() != 1 || found != nullptr)
      return invalid_input(where, fmt::format("damaged '{}'", name), "",
                           "one array of one dimension");
    found = array;
  }
  if (found == nullptr)
    return invalid_input(where, fmt::format("no '{}'", name), "", "a dict of arrays 'x' and 'cdf'");
  return found->values;
}

Result<stats::GriddedCdf> read_grid(const LayerFile& file) {
  const std::string where = file.path.string();
  const auto value = read_pickle(file.bytes, where);
  if (!value) return tl::make_unexpected(value.error());
  const auto* dict = std::get_if<PickleDict>(&(*value)->value);
  if (dict == nullptr)
    return invalid_input(where, "not a KDE table", "", "a dict of arrays 'x' and 'cdf'");
  auto x = find_array(*dict, "x", where), cdf = find_array(*dict, "cdf", where);
  for (const auto& array : {&x, &cdf})
    if (!*array) return tl::make_unexpected(array->error());
  return stats::GriddedCdf::create(*std::move(x), *std::move(cdf), where);
}

// Where the model is not known: as if every layer up to the last file's had a router.
std::vector<int> layers_up_to_last(const LayerFiles& files) {
  std::vector<int> layers(static_cast<std::size_t>(files.rbegin()->first) + 1);
  std::iota(layers.begin(), layers.end(), 0);
  return layers;
}

void warn_of_layers(const fs::path& dir, std::string_view what, const std::vector<int>& layers) {
  if (layers.empty()) return;
  log_warning(fmt::format("{}: {} {}", dir.string(), what, fmt::join(layers, ", ")));
}

void report(const fs::path& dir, const LayerFiles& files, const std::vector<int>& expected) {
  std::vector<int> missing, unexpected;
  for (int index : expected)
    if (!files.contains(index)) missing.push_back(index);
  for (const auto& [index, file] : files)
    if (!std::ranges::binary_search(expected, index)) unexpected.push_back(index);
  warn_of_layers(dir, "missing layers", missing);
  warn_of_layers(dir, "files of layers that the model has no router in:", unexpected);
  log_info(fmt::format("Loaded {} of {} layers from {}", expected.size() - missing.size(),
                       expected.size(), dir.string()));
}

TableMetadata imported_metadata(std::size_t num_layers) {
  TableMetadata metadata;
  metadata.created_by = fmt::format("bhroute {}", version());
  metadata.num_layers = num_layers;
  metadata.form = stats::PValueForm::gridded;
  metadata.smoothing_kernel = "unknown";
  return metadata;
}

Result<CalibrationTable> import_files(const fs::path& dir, const LayerFiles& files,
                                      const std::vector<int>& expected_layers) {
  std::vector<int> expected = expected_layers.empty() ? layers_up_to_last(files) : expected_layers;
  std::ranges::sort(expected);
  CalibrationTable table{imported_metadata(expected.size()), {}};
  for (const auto& [index, file] : files) {
    auto grid = read_grid(file);
    if (!grid) return tl::make_unexpected(std::move(grid).error());
    table.layers[index].groups.push_back(NullDistribution::from_grid(*std::move(grid)));
  }
  report(dir, files, expected);
  return table;
}

std::string content_hash(const LayerFiles& files) {
  std::string hashes;
  for (const auto& [index, file] : files)
    hashes += fmt::format("{} {}\n", index, sha256(file.bytes));
  return sha256(hashes);
}

struct Curve {
  std::vector<double> x, cdf;
};

// The empirical CDF at the counted values.
Curve curve_of(const stats::CountedSample& sample) {
  Curve curve{{sample.values().begin(), sample.values().end()}, {}};
  const auto n = static_cast<double>(sample.size());
  std::uint64_t below = 0;
  for (std::uint64_t count : sample.counts())
    curve.cdf.push_back(static_cast<double>(below += count) / n);
  return curve;
}

Curve curve_of(const NullDistribution& null) {
  if (!null.grid()) return curve_of(*null.counts());
  return {{null.grid()->x().begin(), null.grid()->x().end()},
          {null.grid()->values().begin(), null.grid()->values().end()}};
}

}  // namespace

Result<CalibrationTable> import_kde(const fs::path& dir, const std::vector<int>& expected_layers) {
  return read_layers(dir).and_then(
      [&](const LayerFiles& files) { return import_files(dir, files, expected_layers); });
}

Result<std::shared_ptr<const CalibrationTable>> load_kde(const fs::path& dir,
                                                         const std::vector<int>& expected_layers) {
  static ContentCache<CalibrationTable> cache;
  const auto files = read_layers(dir);
  if (!files) return tl::make_unexpected(files.error());
  const std::string key =
      fmt::format("{} {}", fmt::join(expected_layers, ","), fs::absolute(dir).string());
  return cache.get(key, content_hash(*files),
                   [&] { return import_files(dir, *files, expected_layers); });
}

Result<void> export_kde(const CalibrationTable& table, const fs::path& dir) {
  if (table.metadata.statistic != Statistic::logit)
    return invalid_input("table", "the original's files hold raw logits and cannot say otherwise",
                         "statistic " + std::string(to_string(table.metadata.statistic)),
                         "statistic logit");
  for (const auto& [index, layer] : table.layers)
    if (layer.groups.size() != 1)
      return invalid_input(fmt::format("layer {}", index),
                           "a per-expert table has no place in the original's files",
                           fmt::format("{} groups", layer.groups.size()), "a pooled table");
  std::error_code error;
  fs::create_directories(dir, error);
  if (error) return failure(dir.string(), "cannot make the folder: " + error.message());
  for (const auto& [index, layer] : table.layers) {
    Curve curve = curve_of(layer.groups.front());
    const fs::path path = dir / fmt::format("{}{}{}", kPrefix, index, kSuffix);
    auto written =
        write_file(path, write_pickle({{"x", std::move(curve.x)}, {"cdf", std::move(curve.cdf)}}));
    if (!written) return written;
  }
  return {};
}

std::vector<fs::path> kde_search_path() {
  std::vector<fs::path> places;
  if (const char* chosen = std::getenv("BHROUTE_KDE_DIR"); chosen != nullptr && *chosen != '\0')
    places.emplace_back(chosen);
  places.emplace_back("./kde_models/models");
  places.emplace_back("../kde_models/models");
  return places;
}

std::optional<fs::path> find_kde_folder() {
  for (const fs::path& dir : kde_search_path())
    if (!find_layers(dir).empty()) return dir;
  return std::nullopt;
}

Result<std::shared_ptr<const CalibrationTable>> find_kde_table(
    const std::vector<int>& expected_layers) {
  if (const auto dir = find_kde_folder()) return load_kde(*dir, expected_layers);
  std::vector<std::string> names;
  for (const fs::path& dir : kde_search_path()) names.push_back(dir.string());
  log_warning_once(
      kNoTableWarning,
      fmt::format("no KDE tables found in {}: p-values are ranks among the rows of one call only",
                  fmt::join(names, ", ")));
  return nullptr;
}

}  // namespace bhroute::calibration
