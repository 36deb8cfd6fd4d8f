#include "bhroute/calibration/calibration_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <map>

#include "bhroute/core/file.h"
#include "bhroute/core/file_limits.h"
#include "bhroute/core/sha256.h"
#include "content_cache.h"
#include "safetensors.h"
#include "table_metadata.h"
#include "table_reader.h"

namespace bhroute::calibration {
namespace {

// A container whose tensors' bytes it owns.
class Builder {
 public:
  explicit Builder(const TableMetadata& metadata) { content_.metadata = format_metadata(metadata); }

  template <class T>
  void add(const std::string& name, const char* dtype, std::vector<std::size_t> shape,
           const std::vector<T>& values) {
    const auto* bytes = reinterpret_cast<const char*>(values.data());
    const std::string& kept = bytes_.emplace_back(bytes, values.size() * sizeof(T));
    content_.tensors.emplace(name, Tensor{dtype, std::move(shape), kept});
  }
  const Safetensors& content() const { return content_; }

 private:
  Safetensors content_;
  std::deque<std::string> bytes_;
};

void add_counts(Builder& builder, const std::string& prefix, const LayerNull& layer) {
  std::vector<float> values;
  std::vector<std::uint64_t> counts, offsets{0};
  for (const NullDistribution& group : layer.groups) {
    const auto group_counts = group.counts()->counts();
    values.insert(values.end(), group.counts()->values().begin(), group.counts()->values().end());
    counts.insert(counts.end(), group_counts.begin(), group_counts.end());
    offsets.push_back(counts.size());
  }
  builder.add(prefix + "values", "F32", {values.size()}, values);
  builder.add(prefix + "counts", "U64", {counts.size()}, counts);
  builder.add(prefix + "offsets", "U64", {offsets.size()}, offsets);
}

void add_grids(Builder& builder, const std::string& prefix, const LayerNull& layer) {
  std::vector<double> x, cdf;
  for (const NullDistribution& group : layer.groups) {
    x.insert(x.end(), group.grid()->x().begin(), group.grid()->x().end());
    cdf.insert(cdf.end(), group.grid()->values().begin(), group.grid()->values().end());
  }
  const std::size_t groups = layer.groups.size();
  builder.add(prefix + "x", "F64", {groups, x.size() / groups}, x);
  builder.add(prefix + "cdf", "F64", {groups, cdf.size() / groups}, cdf);
}

void add_sample(Builder& builder, const std::string& prefix, const RowSample& sample) {
  builder.add(prefix + "rows", "F32", {sample.keys.size(), sample.num_experts}, sample.rows);
  builder.add(prefix + "row_keys", "U64", {sample.keys.size()}, sample.keys);
}

// "layer.12.counts" -> "layer.12"
std::string layer_of(const std::string& tensor) { return tensor.substr(0, tensor.rfind('.')); }

// All groups of a layer must hold the same things, or the tensors have no shape.
Result<void> check_uniform(int index, const LayerNull& layer) {
  const std::string where = fmt::format("layer {}", index);
  if (layer.groups.empty()) return invalid_input(where, "a layer without a null distribution");
  const NullDistribution& first = layer.groups.front();
  for (const NullDistribution& group : layer.groups) {
    const bool alike = group.counts().has_value() == first.counts().has_value() &&
                       group.grid().has_value() == first.grid().has_value() &&
                       (!group.grid() || group.grid()->x().size() == first.grid()->x().size());
    if (!alike)
      return invalid_input(where,
                           "groups of different kinds or grid sizes cannot be written together");
  }
  return {};
}

// What would not be read again is not written.
Result<void> check_readable(const Safetensors& content, const std::string& where) {
  std::size_t total = 0, largest = 0;
  std::map<std::string, std::size_t> layers;
  for (const auto& [name, tensor] : content.tensors) {
    total += tensor.bytes.size();
    largest = std::max(largest, layers[layer_of(name)] += tensor.bytes.size());
  }
  const bool fits = total <= kMaxTableBytes - kMebibyte && largest <= kMaxTableLayerBytes;
  if (fits) return {};
  return failure(where, "a table too large to be read again",
                 fmt::format("{} bytes, {} in one layer", total, largest),
                 fmt::format("at most {} and {}: a grid, or fewer sampled rows",
                             kMaxTableBytes - kMebibyte, kMaxTableLayerBytes));
}

using PlaceOf = std::pair<std::string, const TensorPlace*>;

// The tensors of each layer; of names that no table has, read_content says so.
std::map<std::string, std::vector<PlaceOf>> by_layer(const SafetensorsLayout& layout) {
  std::map<std::string, std::vector<PlaceOf>> layers;
  for (const auto& [name, place] : layout.tensors)
    layers[layer_of(name)].emplace_back(name, &place);
  return layers;
}

Result<void> check_layer(const std::filesystem::path& path, const SafetensorsLayout& layout,
                         const std::vector<PlaceOf>& tensors) {
  Safetensors content{layout.metadata, {}};
  std::deque<std::string> held;
  std::size_t total = 0;
  for (const auto& [name, place] : tensors) {
    const std::size_t size = place->end - place->begin;
    if ((total += size) > kMaxTableLayerBytes)
      return invalid_input(path.string(), "a layer too large", name,
                           fmt::format("at most {} bytes a layer", kMaxTableLayerBytes));
    auto bytes = read_part(path, place->begin, size);
    if (!bytes) return tl::make_unexpected(bytes.error());
    if (bytes->size() != size) return failure(path.string(), "changed while it was read");
    const std::string& kept = held.emplace_back(*std::move(bytes));
    content.tensors.emplace(name, Tensor{place->dtype, place->shape, kept});
  }
  return read_content(content, path.string()).map([](const CalibrationTable&) {});
}

// What is cut, or no table at all, is refused by its header; what is larger than a layer may be,
// layer by layer: a damaged file is refused without being held whole.
Result<void> check_before_reading(const std::filesystem::path& path) {
  const auto size = size_of_file(path);
  if (!size) return {};
  const auto layout = read_layout(path, *size);
  if (!layout) return tl::make_unexpected(layout.error());
  if (*size <= kMaxTableLayerBytes || *size > kMaxTableBytes) return {};
  for (const auto& [name, tensors] : by_layer(*layout))
    if (auto ok = check_layer(path, *layout, tensors); !ok) return ok;
  return {};
}

Result<std::string> read_checked(const std::filesystem::path& path) {
  if (auto ok = check_before_reading(path); !ok) return tl::make_unexpected(ok.error());
  return read_file(path, kMaxTableBytes);
}

}  // namespace

Result<CalibrationTable> parse_table(std::string_view bytes, const std::string& where) {
  return parse_safetensors(bytes, where).and_then([&](const Safetensors& content) {
    return read_content(content, where);
  });
}

Result<void> write_table(const std::filesystem::path& path, const CalibrationTable& table) {
  Builder builder(table.metadata);
  std::size_t num_groups = 0;
  for (const auto& [index, layer] : table.layers) {
    if (auto uniform = check_uniform(index, layer); !uniform) return uniform;
    const std::string prefix = fmt::format("layer.{}.", index);
    num_groups += layer.groups.size() *
                  (layer.groups.front().grid() && layer.groups.front().counts() ? 2 : 1);
    if (layer.groups.front().counts()) add_counts(builder, prefix, layer);
    if (layer.groups.front().grid()) add_grids(builder, prefix, layer);
    const auto sample = table.samples.find(index);
    if (sample != table.samples.end()) add_sample(builder, prefix, sample->second);
  }
  if (num_groups > kMaxGroups)
    return failure(path.string(), "a table of too many groups to be read again",
                   std::to_string(num_groups), fmt::format("at most {}", kMaxGroups));
  if (auto ok = check_readable(builder.content(), path.string()); !ok) return ok;
  return write_file(path, format_safetensors(builder.content()));
}

Result<CalibrationTable> read_table(const std::filesystem::path& path) {
  return read_checked(path).and_then(
      [&](const std::string& bytes) { return parse_table(bytes, path.string()); });
}

Result<std::shared_ptr<const CalibrationTable>> load_table(const std::filesystem::path& path) {
  static ContentCache<CalibrationTable> cache;
  using Pointer = std::shared_ptr<const CalibrationTable>;
  return read_checked(path).and_then([&](const std::string& bytes) -> Result<Pointer> {
    return cache.get(std::filesystem::absolute(path).string(), sha256(bytes),
                     [&] { return parse_table(bytes, path.string()); });
  });
}

}  // namespace bhroute::calibration
